$ErrorActionPreference = 'Stop'
$answer = Invoke-WebRequest -Uri 'http://localhost/' -UseBasicParsing -TimeoutSec 5
if ($answer.StatusCode -ne 200) { exit 1 }
