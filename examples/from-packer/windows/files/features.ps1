$ErrorActionPreference = 'Stop'
$result = Install-WindowsFeature -Name Web-Server -IncludeManagementTools
if ($result.RestartNeeded -eq 'Yes') { exit 3010 }
