# So that each instance gets its own name and password.
$ErrorActionPreference = 'Stop'
& "$Env:ProgramFiles\Amazon\EC2Launch\EC2Launch.exe" reset --clean
& "$Env:ProgramFiles\Amazon\EC2Launch\EC2Launch.exe" sysprep --clean
