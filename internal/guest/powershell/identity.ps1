# stamp_identity KIND returns digests of what no two servers may share: the machine's SID,
# which is its accounts' without their last part; the keys of an SSH server, and the
# certificate that Remote Desktop has made for itself.
function stamp_identity($kind) {
    if ($kind -eq 'machine-id') {
        $account = Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True' | Select-Object -First 1
        if ($account) { stamp_digest $account.SID.Substring(0, $account.SID.LastIndexOf('-')) }
        return
    }
    foreach ($file in Get-ChildItem -Path (Join-Path $env:ProgramData 'ssh\ssh_host_*_key.pub') -ErrorAction SilentlyContinue) {
        stamp_digest ((stamp_read $file.FullName) -split ' ')[1]
    }
    foreach ($certificate in stamp_certificates) { stamp_digest $certificate.Thumbprint }
}

# stamp_certificates returns those that Remote Desktop has signed itself.
function stamp_certificates {
    Get-ChildItem -Path 'Cert:\LocalMachine\Remote Desktop' -ErrorAction SilentlyContinue | Where-Object { $_.Subject -eq $_.Issuer }
}

function stamp_digest($text) {
    $sum = [System.Security.Cryptography.SHA256]::Create().ComputeHash($stamp_utf8.GetBytes("$text"))
    [BitConverter]::ToString($sum, 0, 8).Replace('-', '').ToLowerInvariant()
}

# stamp_identify KIND... tells the builder's digests.
function stamp_identify {
    foreach ($kind in $args) {
        foreach ($digest in stamp_identity $kind) { stamp_say "identity $kind $digest" }
    }
}

# stamp_differ NUMBER KIND DIGEST... fails when this server has one of the digests.
function stamp_differ($number, $kind) {
    if (-not (stamp_begin $number identity $kind)) { return }
    stamp_unbroken
    foreach ($digest in stamp_identity $kind) {
        if ($args -contains $digest) { stamp_broken "this server's $kind is the builder's: all servers of the image would share it" }
    }
    stamp_pass
}
