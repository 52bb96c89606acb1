# stamp_clean NUMBER NAME runs a part of the clean-up, which must succeed.
function stamp_clean($number, $name) {
    if (-not (stamp_begin $number 'clean-up' $name)) { return }
    stamp_unbroken
    try {
        & "stamp_clean_$name" | ForEach-Object { stamp_append $stamp.log $_ }
    } catch {
        stamp_broken $_
    }
    stamp_pass
}

# An SSH server makes new keys when it starts without any, Remote Desktop a certificate.
function stamp_clean_host_keys {
    foreach ($file in Get-ChildItem -Path (Join-Path $env:ProgramData 'ssh\ssh_host_*_key*') -ErrorAction SilentlyContinue) { stamp_remove $file.FullName }
    foreach ($certificate in stamp_certificates) { Remove-Item -LiteralPath $certificate.PSPath -DeleteKey }
}

function stamp_clean_histories {
    $below = 'AppData\Roaming\Microsoft\Windows\PowerShell\PSReadLine\*_history.txt'
    foreach ($owner in "$env:SystemDrive\Users\*", "$env:SystemRoot\System32\config\systemprofile") {
        foreach ($file in Get-ChildItem -Path "$owner\$below" -Force -ErrorAction SilentlyContinue) { stamp_remove $file.FullName }
    }
}

# Where EC2Launch is: version 2 is a program, version 1 a set of scripts.
$stamp_launch = Join-Path $env:ProgramFiles 'Amazon\EC2Launch\EC2Launch.exe'
$stamp_launch_scripts = Join-Path $env:ProgramData 'Amazon\EC2-Windows\Launch\Scripts'

# stamp_ec2launch ARGUMENT... runs version 2.
function stamp_ec2launch {
    stamp_native $stamp_launch @args
    if ($LASTEXITCODE -ne 0) { throw "EC2Launch.exe $args ended with exit code $LASTEXITCODE" }
}

# stamp_ec2launch_script NAME ARGUMENT... runs a script of version 1.
function stamp_ec2launch_script($name) {
    stamp_native powershell.exe '-NoLogo' '-NoProfile' '-NonInteractive' '-ExecutionPolicy' 'Bypass' '-File' (Join-Path $stamp_launch_scripts $name) @args
    if ($LASTEXITCODE -ne 0) { throw "$name ended with exit code $LASTEXITCODE" }
}

$stamp_no_launch = 'neither EC2Launch v2 nor EC2Launch v1 is on this machine'

# stamp_as_administrator LINE runs a command line as the built-in Administrator, with its
# profile, by a scheduled task, and returns what it prints. Sysprep makes a new password.
function stamp_as_administrator($line) {
    $account = Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True' | Where-Object { $_.SID -like '*-500' }
    if (-not $account) { throw 'there is no built-in Administrator, as whom Sysprep runs' }
    $random = [byte[]]::new(24)
    [System.Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($random)
    $password = 'aA1!' + [Convert]::ToBase64String($random)
    Set-LocalUser -SID $account.SID -Password (ConvertTo-SecureString -String $password -AsPlainText -Force)
    Enable-LocalUser -SID $account.SID
    $output = Join-Path $stamp.place 'sysprep'
    $action = New-ScheduledTaskAction -Execute (Join-Path $env:SystemRoot 'System32\cmd.exe') -Argument ('/d /s /c "{0} >"{1}" 2>&1"' -f $line, $output)
    [void](Register-ScheduledTask -TaskName 'stamp-sysprep' -Action $action -User "$env:COMPUTERNAME\$($account.Name)" -Password $password -RunLevel Highest -Force)
    try {
        Start-ScheduledTask -TaskName 'stamp-sysprep'
        # Ready, running, not run yet, queued:
        # https://learn.microsoft.com/en-us/windows/win32/taskschd/task-scheduler-error-and-success-constants
        $under_way = 0x41300, 0x41301, 0x41303, 0x41325
        for ($left = 1800; $left -gt 0; $left -= 5) {
            Start-Sleep -Seconds 5
            $code = (Get-ScheduledTaskInfo -TaskName 'stamp-sysprep').LastTaskResult
            if ($under_way -notcontains $code) { break }
        }
    } finally {
        Unregister-ScheduledTask -TaskName 'stamp-sysprep' -Confirm:$false
        if ($account.Disabled) { Disable-LocalUser -SID $account.SID }
    }
    stamp_read $output
    if ($code -ne 0) { throw "$line ended with exit code $code" }
}

# Sysprep, with EC2Launch's answer file, so that the next boot makes a SID, a name and
# a password anew. It does not switch off: its failure would be seen by nobody. As SYSTEM,
# which we are, it would spoil the profiles of users to come.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-create-win-sysprep.html
function stamp_clean_machine_id {
    if (Test-Path -LiteralPath $stamp_launch) {
        stamp_as_administrator "`"$stamp_launch`" sysprep --shutdown=false"
    } elseif (Test-Path -LiteralPath (Join-Path $stamp_launch_scripts 'SysprepInstance.ps1')) {
        stamp_ec2launch_script 'InitializeInstance.ps1' '-Schedule'
        stamp_as_administrator ('powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}" -NoShutdown' -f
            (Join-Path $stamp_launch_scripts 'SysprepInstance.ps1'))
    } else {
        throw "${stamp_no_launch}, and Sysprep needs its answer file. Install EC2Launch v2, or set bake.clean_up.machine_id = false"
    }
    $quiet = 0
    for ($left = 1800; -not (stamp_generalised); $left -= 5) {
        if (Get-Process -Name sysprep -ErrorAction SilentlyContinue) { $quiet = 0 } else { $quiet += 5 }
        if ($left -le 0 -or $quiet -gt 90) {
            $log = Join-Path $env:SystemRoot 'System32\Sysprep\Panther\setuperr.log'
            throw "Sysprep has not generalised the machine: its state is $(stamp_image_state). The end of ${log}:`n" +
                (((stamp_read $log) -split "`r?`n" | Select-Object -Last 30) -join "`n")
        }
        Start-Sleep -Seconds 5
    }
}

# https://learn.microsoft.com/en-us/windows-hardware/manufacture/desktop/windows-setup-states
function stamp_image_state { (Get-ItemProperty -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State').ImageState }

# stamp_generalised tells whether Sysprep has done its work and has ended.
function stamp_generalised {
    return (stamp_image_state) -eq 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE' -and -not (Get-Process -Name sysprep -ErrorAction SilentlyContinue)
}

# stamp_sealed makes sure, before the machine is switched off, that it has not begun anew.
function stamp_sealed { if (-not (stamp_generalised)) { throw "the machine is no longer generalised: its state is $(stamp_image_state)" } }

# Without Sysprep it is EC2Launch alone that begins anew at the next boot.
function stamp_clean_cloud_init {
    if (Test-Path -LiteralPath $stamp_launch) {
        stamp_ec2launch reset
    } elseif (Test-Path -LiteralPath (Join-Path $stamp_launch_scripts 'InitializeInstance.ps1')) {
        stamp_ec2launch_script 'InitializeInstance.ps1' '-Schedule'
    } else {
        throw "${stamp_no_launch}. Install EC2Launch v2, or set bake.clean_up.cloud_init = false"
    }
}

# What makes the agent take the machine for the one that it was registered as.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html
function stamp_clean_ssm {
    stamp_remove (Join-Path $env:ProgramData 'Amazon\SSM\InstanceData') (Join-Path $env:ProgramData 'Amazon\SSM\Vault')
}

# Some event logs cannot be emptied while they are on; the three that matter must be.
function stamp_clean_logs {
    $session = [System.Diagnostics.Eventing.Reader.EventLogSession]::GlobalSession
    foreach ($log in Get-WinEvent -ListLog * -Force -ErrorAction SilentlyContinue) {
        if (-not $log.RecordCount) { continue }
        try { $session.ClearLog($log.LogName) } catch { if ('Application', 'Security', 'System' -contains $log.LogName) { throw } }
    }
    foreach ($directory in 'EC2Launch\log', 'EC2-Windows\Launch\Log', 'SSM\Logs') {
        foreach ($file in Get-ChildItem -Path (Join-Path $env:ProgramData "Amazon\$directory\*") -Force -ErrorAction SilentlyContinue) { stamp_remove $file.FullName }
    }
}

# stamp_clean_own removes where the agent keeps the commands that it was sent, and what
# they printed: always.
function stamp_clean_own {
    foreach ($directory in Get-ChildItem -Path (Join-Path $env:ProgramData 'Amazon\SSM\InstanceData\*\document\*\*') -Force -ErrorAction SilentlyContinue) {
        stamp_remove $directory.FullName
    }
}
