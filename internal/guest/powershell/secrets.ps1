# stamp_no_secret NAME REASON ends a command whose secrets do not arrive.
function stamp_no_secret($name, $reason) {
    stamp_say "fail secrets exit=1 how=exit attempts=1 $name"
    stamp_say "out 1 $reason"
    stamp_close failed
}

# stamp_rsa returns this boot's key, which is kept in memory alone.
# https://learn.microsoft.com/en-us/dotnet/api/system.security.cryptography.rsacng
function stamp_rsa {
    $kept = stamp_recall 'key'
    $rsa = [System.Security.Cryptography.RSACng]::new(3072)
    if ($kept) { $rsa.FromXmlString($kept) }
    return $rsa
}

# stamp_key makes the key, unless there is one, and tells its public half, in the form of
# RFC 5280, 4.1: what comes before and after the modulus is the same for all keys of this
# length.
function stamp_key {
    $rsa = stamp_rsa
    if (-not (stamp_recall 'key')) { stamp_note key ($rsa.ToXmlString($true)) }
    $public = $rsa.ExportParameters($false)
    if ($public.Modulus.Length -ne 384 -or [Convert]::ToBase64String($public.Exponent) -ne 'AQAB') { stamp_no_secret key 'Windows makes no key of the usual form' }
    [byte[]]$told = [Convert]::FromBase64String($stamp_key_before) + $public.Modulus + [Convert]::FromBase64String($stamp_key_after)
    $stamp_out.Write("stamp-$stamp_nonce key $([Convert]::ToBase64String($told))`n")
}

# stamp_secret NAME CHUNK... takes what was sealed for this boot's key.
function stamp_secret($name) {
    if (-not (stamp_recall 'key')) { stamp_no_secret $name 'it was sealed for another boot of this machine' }
    $rsa = stamp_rsa
    $opened = [System.IO.MemoryStream]::new()
    foreach ($chunk in $args) {
        try {
            $part = $rsa.Decrypt([Convert]::FromBase64String($chunk), [System.Security.Cryptography.RSAEncryptionPadding]::OaepSHA256)
        } catch {
            stamp_no_secret $name 'it was sealed for another boot of this machine'
        }
        $opened.Write($part, 0, $part.Length)
    }
    $stamp_secrets[$name] = $stamp_utf8.GetString($opened.ToArray())
}
