# For Windows PowerShell 5.1, as the SSM agent runs it. Everything is a function; state is
# in tables, which functions change in place.
#
# What must outlive a restart is below $stamp_dir, for SYSTEM and administrators alone;
# what must not is in a volatile key of the registry, which is held in memory and gone with
# each boot. The two together tell an item that a restart has cut off from one that is
# under way.
# https://learn.microsoft.com/en-us/windows/win32/api/winreg/nf-winreg-regcreatekeyexw
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$stamp_dir = Join-Path $env:ProgramData 'stamp-bake'
$stamp_utf8 = [System.Text.UTF8Encoding]::new($false)
$stamp_out = [System.IO.StreamWriter]::new([Console]::OpenStandardOutput(), $stamp_utf8)
$stamp = @{ place = ''; number = 0; phase = ''; name = ''; log = ''; try = 1; how = 'exit'; code = 0; last = $false; cut = $false }
$stamp_secrets = @{}

# stamp_print LINE prints a line, on the serial console too.
function stamp_print($line) {
    $stamp_out.Write($line + "`n")
    $stamp_out.Flush()
    stamp_console $line
}

# stamp_console LINE writes to the serial port whose output EC2 shows, if nobody holds it.
function stamp_console($line) {
    for ($try = 0; $try -lt 10; $try++) {
        if ([System.IO.Ports.SerialPort]::GetPortNames() -notcontains $stamp_console) { return }
        $port = [System.IO.Ports.SerialPort]::new($stamp_console, 115200)
        try {
            $port.Encoding = $stamp_utf8
            $port.WriteTimeout = 5000
            $port.Open()
            $port.Write($line + "`r`n")
            $port.BaseStream.Flush()
            return
        } catch {
            Start-Sleep -Milliseconds 200
        } finally {
            $port.Dispose()
        }
    }
}

# stamp_say TEXT tells a marker, and keeps what an item tells.
function stamp_say($text) {
    $line = "stamp-$stamp_nonce $text"
    stamp_print $line
    if ($stamp.place) { stamp_append (Join-Path $stamp.place 'said') $line }
}

function stamp_append($file, $line) { [System.IO.File]::AppendAllText($file, $line + "`n", $stamp_utf8) }

# stamp_read FILE [MOST] returns the end of a file that another process may be writing;
# nothing when there is none.
function stamp_read($file, $most = 65536) {
    if (-not [System.IO.File]::Exists($file)) { return '' }
    $stream = [System.IO.FileStream]::new($file, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, [System.IO.FileShare]'ReadWrite, Delete')
    try {
        $cut = $stream.Length -gt $most
        if ($cut) { [void]$stream.Seek(-$most, [System.IO.SeekOrigin]::End) }
        $text = [System.IO.StreamReader]::new($stream, $stamp_utf8).ReadToEnd()
    } finally {
        $stream.Dispose()
    }
    # A line that is cut might show the half of a secret.
    $stamp.cut = $cut -and $text.IndexOf("`n") -lt 0
    if ($cut) { $text = $text.Substring($text.IndexOf("`n") + 1) }
    return $text
}

# stamp_memory returns the key whose values are gone with each boot.
function stamp_memory {
    $security = [System.Security.AccessControl.RegistrySecurity]::new()
    $security.SetSecurityDescriptorSddlForm('D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)')
    return [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SOFTWARE\stamp-bake',
        [Microsoft.Win32.RegistryKeyPermissionCheck]::ReadWriteSubTree, [Microsoft.Win32.RegistryOptions]::Volatile, $security)
}

function stamp_recall($name) {
    $memory = stamp_memory
    try { return [string]$memory.GetValue($name, '') } finally { $memory.Dispose() }
}

function stamp_note($name, $value) {
    $memory = stamp_memory
    try { $memory.SetValue($name, [string]$value) } finally { $memory.Dispose() }
}

# stamp_private DIRECTORY makes one for SYSTEM and administrators alone.
function stamp_private($directory) {
    $security = [System.Security.AccessControl.DirectorySecurity]::new()
    $security.SetSecurityDescriptorSddlForm('D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    [void][System.IO.Directory]::CreateDirectory($directory, $security)
}

# stamp_remove PATH... removes files and directories; what stays there is an error.
function stamp_remove {
    foreach ($path in $args) {
        if (-not (Test-Path -LiteralPath $path)) { continue }
        for ($try = 1; $try -le 5; $try++) {
            Remove-Item -LiteralPath $path -Recurse -Force -ErrorAction SilentlyContinue
            if (-not (Test-Path -LiteralPath $path)) { break }
            Start-Sleep -Seconds 1
        }
        if (Test-Path -LiteralPath $path) { throw "still there: $path" }
    }
}

# stamp_native PROGRAM ARGUMENT... runs a program and returns what it prints; its exit code
# is in $LASTEXITCODE.
function stamp_native($program) {
    $ErrorActionPreference = 'Continue'
    & $program @args 2>&1 | ForEach-Object { "$_" }
}

# stamp_open begins a run, or finds the one that an earlier command has begun. A command
# that comes when the machine is about to be switched off has nothing to do any more.
function stamp_open {
    if (-not $stamp.last -and (stamp_recall 'left')) { stamp_close ok }
    $file = Join-Path $stamp_dir 'nonce'
    if ((stamp_read $file) -ne $stamp_nonce) {
        stamp_remove $stamp_dir
        stamp_private $stamp_dir
        [System.IO.File]::WriteAllText($file, $stamp_nonce)
    }
    stamp_print "stamp-$stamp_nonce begin"
}

# stamp_claim FILE makes a file that says who we are, unless it is there.
function stamp_claim($file) {
    try {
        $stream = [System.IO.File]::Open($file, [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write, [System.IO.FileShare]::Read)
    } catch {
        if ([System.IO.File]::Exists($file)) { return $false }
        throw
    }
    try {
        $who = $stamp_utf8.GetBytes("$PID " + (Get-Process -Id $PID).StartTime.ToFileTimeUtc())
        $stream.Write($who, 0, $who.Length)
    } finally {
        $stream.Dispose()
    }
    return $true
}

# stamp_alive WHO tells whether that process runs. Numbers are used again: so it is its
# beginning that counts.
function stamp_alive($who) {
    $number, $began = $who -split ' '
    $process = Get-Process -Id $number -ErrorAction SilentlyContinue
    return [bool]($process -and "$($process.StartTime.ToFileTimeUtc())" -eq $began)
}

# stamp_begin NUMBER PHASE NAME begins an item. One that is done is told again, and the
# answer is false. One that another command is at is waited for.
function stamp_begin($number, $phase, $name) {
    $stamp.number = $number; $stamp.phase = $phase; $stamp.name = $name
    $stamp.try = 1; $stamp.how = 'exit'; $stamp.code = 0
    $stamp.place = Join-Path $stamp_dir "item-$number"
    $stamp.log = Join-Path $stamp.place 'output-1'
    [void][System.IO.Directory]::CreateDirectory($stamp.place)
    if (stamp_claim (Join-Path $stamp.place 'owner')) {
        stamp_note "item-$number" yes
        stamp_say "start $phase $name"
        return $true
    }
    # Whoever began it may not have come to say that it was in this boot.
    if (-not (stamp_recall "item-$number")) { Start-Sleep -Seconds 2 }
    stamp_wait
    $end = stamp_read (Join-Path $stamp.place 'end')
    if ($end) {
        foreach ($line in (stamp_read (Join-Path $stamp.place 'said')).TrimEnd("`n") -split "`n") { stamp_print $line }
        if ($end -ne 'ok') { stamp_close failed }
        $stamp.place = ''
        return $false
    }
    $stamp.how = 'reboot'
    if (stamp_recall "item-$number") { $stamp.how = 'cut' }
    return $true
}

# stamp_wait waits for whoever is at the item, as long as it is alive; it may not have
# come to say who it is.
function stamp_wait {
    $left = 10
    while (-not (stamp_read (Join-Path $stamp.place 'end')) -and (stamp_recall "item-$($stamp.number)") -and $left -gt 0) {
        $who = stamp_read (Join-Path $stamp.place 'owner')
        if ($who) {
            if (-not (stamp_alive $who)) { return }
        } else {
            $left--
        }
        Start-Sleep -Seconds 1
    }
}

# stamp_unbroken ends an item badly that has begun before and has not ended.
function stamp_unbroken { if ($stamp.how -ne 'exit') { stamp_fail } }

function stamp_pass {
    $number = 0
    foreach ($line in stamp_tail) {
        $number++
        $text = "stamp-$stamp_nonce out $number $line"
        $stamp_out.Write($text + "`n")
        stamp_append (Join-Path $stamp.place 'said') $text
    }
    stamp_wipe
    stamp_say "pass $($stamp.phase) $($stamp.name)"
    [System.IO.File]::WriteAllText((Join-Path $stamp.place 'end'), 'ok')
    $stamp.place = ''
}

# stamp_tail returns the end of the output, in lines that a console can show, without the
# secrets. Control characters go first: inside of a secret they would hide it. Lines of
# fewer than three characters are no secrets.
function stamp_tail {
    $text = (stamp_plain (stamp_read $stamp.log)).TrimEnd("`n")
    if (-not $text) { return }
    $hidden = @(foreach ($value in $stamp_secrets.Values) { (stamp_plain $value) -split "`n" | Where-Object { $_.Length -ge 3 } })
    $from = 0
    if ($stamp.cut) { foreach ($each in $hidden) { $from = [Math]::Max($from, $each.Length - 1) } }
    foreach ($line in $text -split "`n" | Select-Object -Last 50) {
        $line = stamp_hide $line $hidden $from
        $line.Substring(0, [Math]::Min($line.Length, 240))
    }
}

# stamp_plain TEXT returns it without what a terminal obeys: control characters, but line
# breaks and tabs, and those that change the direction of text.
function stamp_plain($text) { return "$text" -replace '[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]', '' }

# stamp_hide LINE HIDDEN FROM returns the line from a place on, without all that any of the
# hidden texts covers.
function stamp_hide($line, $hidden, $from) {
    $covered = [bool[]]::new($line.Length + 1)
    foreach ($each in $hidden) {
        $done = 0
        $at = $line.IndexOf($each, [System.StringComparison]::Ordinal)
        while ($at -ge 0) {
            for ($i = [Math]::Max($at, $done); $i -lt $at + $each.Length; $i++) { $covered[$i] = $true }
            $done = $at + $each.Length
            $at = $line.IndexOf($each, $at + 1, [System.StringComparison]::Ordinal)
        }
    }
    $shown = [System.Text.StringBuilder]::new()
    for ($i = $from; $i -lt $line.Length; $i++) {
        if (-not $covered[$i]) {
            [void]$shown.Append($line[$i])
        } elseif ($i -eq $from -or -not $covered[$i - 1]) {
            [void]$shown.Append('***')
        }
    }
    return $shown.ToString()
}

# stamp_wipe overwrites what the item's script has printed, and removes it: a snapshot copies
# the blocks of files that are gone.
function stamp_wipe {
    $zeros = [byte[]]::new(65536)
    foreach ($file in Get-ChildItem -Path (Join-Path $stamp.place 'output-*')) {
        try {
            $stream = [System.IO.FileStream]::new($file.FullName, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Write, [System.IO.FileShare]'ReadWrite, Delete')
            try {
                for ($left = $stream.Length; $left -gt 0; $left -= $zeros.Length) { $stream.Write($zeros, 0, [Math]::Min($left, $zeros.Length)) }
                $stream.Flush($true)
            } finally {
                $stream.Dispose()
            }
            [System.IO.File]::Delete($file.FullName)
        } catch {
            # What a script has left running may hold the file; it goes with the directory.
            stamp_say "note $($file.Name) could not be overwritten"
        }
    }
}

# stamp_broken ERROR ends an item with an error of our own.
function stamp_broken($problem) {
    stamp_append $stamp.log "$problem"
    $stamp.code = 1
    stamp_fail
}

# stamp_fail reports the failure with the end of the output, and ends. Where the machine
# itself is ending, that is why, and the next boot has more to say: what Windows ends has a
# negative exit code.
function stamp_fail {
    if ($stamp.code -lt 0) { Start-Sleep -Seconds 10 }
    stamp_say "fail $($stamp.phase) exit=$($stamp.code) how=$($stamp.how) attempts=$($stamp.try) $($stamp.name)"
    $number = 0
    foreach ($line in stamp_tail) {
        $number++
        stamp_say "out $number $line"
    }
    stamp_wipe
    [System.IO.File]::WriteAllText((Join-Path $stamp.place 'end'), 'failed')
    stamp_close failed
}

# stamp_close RESULT ends a command. It does not return. The console's end is the run's.
function stamp_close($result) {
    $stamp.place = ''
    $stamp_out.Write("stamp-$stamp_nonce end $result`n")
    $stamp_out.Flush()
    exit 0
}

# stamp_text ENCODING CONTENT
function stamp_text($encoding, $content) {
    if ($encoding -eq 'base64') { return $stamp_utf8.GetString([Convert]::FromBase64String($content)) }
    return $content
}
