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
