# What a script is started by. An error that ends a statement ends the script, and its exit
# code is that of "exit", or of the last program that it ran.
$stamp_starter = @'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false) } catch { }
try { & (Join-Path $PSScriptRoot 'script.ps1') } catch {
    [Console]::Error.WriteLine(($_ | Out-String))
    exit 1
}
exit $LASTEXITCODE
'@

# stamp_run SECONDS ENVIRONMENT runs the item's script in a process of its own, and ends
# all that it has started when the time is over.
function stamp_run($seconds, $environment) {
    $shell = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
    $info = [System.Diagnostics.ProcessStartInfo]::new()
    $info.FileName = Join-Path $env:SystemRoot 'System32\cmd.exe'
    $info.Arguments = '/d /s /c ""{0}" -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{1}" >"{2}" 2>&1 <nul"' -f
        $shell, (Join-Path $stamp.place 'run.ps1'), $stamp.log
    $info.UseShellExecute = $false
    $info.CreateNoWindow = $true
    $info.WorkingDirectory = "$env:SystemDrive\"
    foreach ($table in $stamp_secrets, $environment) {
        foreach ($name in $table.Keys) { $info.EnvironmentVariables[$name] = $table[$name] }
    }
    $process = [System.Diagnostics.Process]::Start($info)
    if ($process.WaitForExit($seconds * 1000)) {
        $stamp.how = 'exit'
        $stamp.code = $process.ExitCode
        return
    }
    $stamp.how = 'late'
    $stamp.code = 124
    [void](stamp_native taskkill.exe '/PID' $process.Id '/T' '/F')
    [void]$process.WaitForExit(10000)
}

# stamp_do NUMBER PHASE NAME SECONDS ATTEMPTS INTERVAL CODES ENVIRONMENT ENCODING SCRIPT
# runs a script until its exit code is one of CODES.
function stamp_do($number, $phase, $name, $seconds, $attempts, $interval, $codes, $environment, $encoding, $script) {
    if (-not (stamp_begin $number $phase $name)) { return }
    stamp_unbroken
    # Windows PowerShell takes what has no byte order mark for another encoding.
    $marked = [System.Text.UTF8Encoding]::new($true)
    [System.IO.File]::WriteAllText((Join-Path $stamp.place 'script.ps1'), (stamp_text $encoding $script).TrimStart([char]0xFEFF), $marked)
    [System.IO.File]::WriteAllText((Join-Path $stamp.place 'run.ps1'), $stamp_starter, $marked)
    while ($true) {
        stamp_run $seconds $environment
        if ($stamp.how -eq 'exit' -and ($codes -split ' ') -contains "$($stamp.code)") { break }
        if ($stamp.try -ge $attempts) { stamp_fail }
        $stamp.try++
        # What a script has left running may still write to the file of before.
        $stamp.log = Join-Path $stamp.place "output-$($stamp.try)"
        Start-Sleep -Seconds $interval
    }
    stamp_pass
}
