# stamp_load NAME SHA256 URL fetches the script that is staged there, and becomes it.
function stamp_load($name, $sum, $url) {
    [System.Net.ServicePointManager]::SecurityProtocol = [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
    $stamp.phase = 'staging'; $stamp.name = $name; $stamp.code = 1
    $packed = $null
    $problem = ''
    for ($stamp.try = 1; $stamp.try -le 5; $stamp.try++) {
        if ($stamp.try -gt 1) { Start-Sleep -Seconds 5 }
        try {
            $packed = [System.Net.WebClient]::new().DownloadData($url)
            $found = [BitConverter]::ToString([System.Security.Cryptography.SHA256]::Create().ComputeHash($packed)).Replace('-', '').ToLowerInvariant()
            if ($found -eq $sum) { break }
            $problem = 'what was fetched is not what was staged: its SHA-256 differs'
        } catch {
            $problem = "$_"
        }
    }
    if ($stamp.try -gt 5) {
        stamp_say "fail staging exit=1 how=exit attempts=5 $name"
        stamp_say "out 1 $problem"
        stamp_close failed
    }
    $stamp_source = stamp_unpack $packed
    & ([ScriptBlock]::Create($stamp_source))
}

# stamp_unpack BYTES
function stamp_unpack($packed) {
    $stream = [System.IO.Compression.GZipStream]::new([System.IO.MemoryStream]::new([byte[]]$packed), [System.IO.Compression.CompressionMode]::Decompress)
    try { return [System.IO.StreamReader]::new($stream, $stamp_utf8).ReadToEnd() } finally { $stream.Dispose() }
}
