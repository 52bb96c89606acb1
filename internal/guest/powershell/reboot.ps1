# stamp_reboot NUMBER NAME restarts the machine: the agent does so for this exit code, and
# then runs the command again, which finds that it has happened.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-reboot.html
function stamp_reboot($number, $name) {
    if (-not (stamp_begin $number step $name)) { return }
    if ($stamp.how -eq 'reboot') {
        stamp_pass
        return
    }
    $stamp_out.Write("stamp-$stamp_nonce end rebooting`n")
    $stamp_out.Flush()
    exit 3010
}
