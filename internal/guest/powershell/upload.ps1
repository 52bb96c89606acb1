# stamp_place PATH SIZE ENCODING CONTENT puts one file of an upload.
function stamp_place($path, $size, $encoding, $content) {
    try {
        [void][System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($path))
        if ($encoding -eq 'base64') {
            [System.IO.File]::WriteAllBytes($path, [Convert]::FromBase64String($content))
        } else {
            [System.IO.File]::WriteAllText($path, $content, $stamp_utf8)
        }
        $found = [System.IO.FileInfo]::new($path).Length
        if ($found -ne $size) { throw "$path has $found bytes, not ${size}: is the disk full?" }
    } catch {
        stamp_broken $_
    }
}

# stamp_folder PATH makes the directory that an upload goes to.
function stamp_folder($path) {
    try { [void][System.IO.Directory]::CreateDirectory($path) } catch { stamp_broken $_ }
}
