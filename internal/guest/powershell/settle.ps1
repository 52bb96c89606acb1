# stamp_launching tells whether the machine is still being set up: by Windows itself, or by
# EC2Launch v1, which is a scheduled task.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2launch.html
function stamp_launching {
    $setup = Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\Setup'
    if ($setup.SystemSetupInProgress -or $setup.OOBEInProgress) { return $true }
    $task = Get-ScheduledTask -TaskName 'Amazon Ec2 Launch - Instance Initialization' -ErrorAction SilentlyContinue
    return [bool]($task -and "$($task.State)" -eq 'Running')
}

# stamp_installing tells whether Windows Installer is at work, by its mutex.
# https://learn.microsoft.com/en-us/windows/win32/msi/-msiexecute-mutex
function stamp_installing {
    $mutex = $null
    try {
        if (-not [System.Threading.Mutex]::TryOpenExisting('Global\_MSIExecute', [ref]$mutex)) { return $false }
        if (-not $mutex.WaitOne(0)) { return $true }
        $mutex.ReleaseMutex()
        return $false
    } catch {
        return $false
    } finally {
        if ($mutex) { $mutex.Dispose() }
    }
}

# stamp_settle waits until Windows, EC2Launch and Windows Installer have done their own
# work. EC2Launch v2 tells by itself when it has.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2launch-v2-settings.html
function stamp_settle {
    stamp_say 'note waiting for Windows and EC2Launch'
    for ($left = 900; $left -gt 0 -and (stamp_launching); $left -= 5) { Start-Sleep -Seconds 5 }
    $launch = Join-Path $env:ProgramFiles 'Amazon\EC2Launch\EC2Launch.exe'
    if (Test-Path -LiteralPath $launch) {
        $info = [System.Diagnostics.ProcessStartInfo]::new($launch, 'status --block')
        $info.UseShellExecute = $false
        $info.CreateNoWindow = $true
        $info.RedirectStandardOutput = $true
        $process = [System.Diagnostics.Process]::Start($info)
        if (-not $process.WaitForExit(900000)) { $process.Kill() }
    }
    for ($left = 300; $left -gt 0 -and (stamp_installing); $left -= 5) { Start-Sleep -Seconds 5 }
}
