# stamp_barred prints what will keep cloud-init from running a script after the restart, if
# anything.
stamp_barred() {
	[ -z "$stamp_remote" ] || return 1
	awk '$2 ~ "^/var(/lib(/cloud(/scripts)?)?)?$" && $1 !~ /^#/ && "," $4 "," ~ /,noexec,/ { print $2; found = 1; exit } END { exit !found }' \
		"$stamp_root/etc/fstab" 2>/dev/null
}

# stamp_reboot NUMBER NAME restarts the machine; the boot after it goes on.
stamp_reboot() {
	stamp_begin "$1" step "$2" || return 0
	case $stamp_how in
	reboot)
		: >"$stamp_log"
		stamp_pass
		return 0
		;;
	cut) [ -n "$stamp_remote" ] || stamp_fail ;;
	*)
		if stamp_text=$(stamp_barred); then
			echo "after the restart the bake would go on by $stamp_hook, and /etc/fstab mounts $stamp_text with noexec: cloud-init could not run it." \
				"Mount it so in a later step, or use the transport \"ssm\"" >"$stamp_log"
			stamp_code=1
			stamp_fail
		fi
		stamp_resume
		sync
		trap - TERM
		if [ -n "$stamp_remote" ]; then
			(sleep 2 && stamp_restart) </dev/null >/dev/null 2>&1 &
		else
			stamp_restart
			sleep 600
			echo "the machine was asked to restart ten minutes ago, and still runs" >"$stamp_log"
			stamp_fail
		fi
		;;
	esac
	stamp_item=
	printf '%s\n' "stamp-$stamp_nonce end rebooting"
	exit 0
}
