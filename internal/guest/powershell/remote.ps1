# stamp_survey tells which items of the run are done.
function stamp_survey {
    foreach ($item in Get-ChildItem -Path (Join-Path $stamp_dir 'item-*')) {
        if ((stamp_read (Join-Path $item.FullName 'end')) -eq 'ok') { stamp_print "stamp-$stamp_nonce done $($item.Name.Substring(5))" }
    }
}

# stamp_mark NUMBER PHASE NAME notes as done what was done elsewhere.
function stamp_mark($number, $phase, $name) {
    if (stamp_begin $number $phase $name) { stamp_pass }
}

# stamp_depart leaves the end to a process of its own: the agent that runs this command
# must have told its result before its own traces are removed and the machine is switched
# off. It is no child of the agent's.
function stamp_depart {
    $file = Join-Path $stamp_dir 'depart.ps1'
    [System.IO.File]::WriteAllText($file, $stamp_source, [System.Text.UTF8Encoding]::new($true))
    $line = '"{0}" -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{1}" depart' -f
        (Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'), $file
    $started = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line }
    if ($started.ReturnValue -ne 0) { throw "the process that switches the machine off does not start: Win32_Process.Create says $($started.ReturnValue)" }
    stamp_note left yes
}

# stamp_away waits until the agent has told the result, and stops it.
function stamp_away {
    Start-Sleep -Seconds $stamp_pause
    Stop-Service -Name AmazonSSMAgent -Force -ErrorAction SilentlyContinue
}

# stamp_off ends the run with the machine. Only a clean end switches it off; any other is
# told on the console.
function stamp_off {
    $stamp.place = ''
    stamp_remove $stamp_dir
    stamp_say 'end ok'
    [void](stamp_native shutdown.exe '/s' '/t' '0' '/f')
    Start-Sleep -Seconds 600
}

# stamp_late PROBLEM tells of an error that nothing else tells of.
function stamp_late($problem) {
    $stamp.place = ''
    stamp_say 'fail clean-up exit=1 how=exit attempts=1 end'
    stamp_say "out 1 $problem"
    stamp_say 'end failed'
}
