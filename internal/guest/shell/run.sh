# stamp_kill PID... ends process groups. (dash and busybox know no "--" after a signal.)
stamp_kill() {
	for stamp_group in "$@"; do
		kill -KILL "-$stamp_group" 2>/dev/null || kill -KILL "$stamp_group" 2>/dev/null
	done
	return 0
}

# stamp_run SECONDS FILE runs a script in a session of its own, and ends the whole session
# when the time is over.
stamp_run() {
	[ -z "$stamp_ending" ] || exit 1
	rm -f "$stamp_now/late"
	stamp_session=setsid
	command -v setsid >/dev/null 2>&1 || { stamp_session=; set -m; }
	$stamp_session /bin/sh "$2" </dev/null >"$stamp_log" 2>&1 &
	stamp_pid=$!
	# shellcheck disable=SC2016 # it is the inner shell that expands
	$stamp_session /bin/sh -c 'sleep "$1"; : >"$2"; kill -TERM "-$3"; sleep 5; kill -KILL "-$3"' \
		sh "$1" "$stamp_now/late" "$stamp_pid" </dev/null >/dev/null 2>&1 &
	stamp_watch=$!
	stamp_code=0
	wait "$stamp_pid" || stamp_code=$?
	stamp_kill "$stamp_watch"
	wait "$stamp_watch" 2>/dev/null || :
	stamp_how="exit"
	if [ -e "$stamp_now/late" ]; then
		stamp_how="late"
		stamp_kill "$stamp_pid"
		[ "$stamp_code" -ne 0 ] || stamp_code=124
	fi
}

# stamp_do NUMBER PHASE NAME SECONDS ATTEMPTS INTERVAL CODES USER ENVIRONMENT ENCODING
# SCRIPT runs a script until its exit code is one of CODES. ENVIRONMENT is a command that
# sets it, in words of the shell.
stamp_do() {
	stamp_begin "$1" "$2" "$3" || return 0
	stamp_unbroken
	stamp_seconds=$4 stamp_attempts=$5 stamp_interval=$6 stamp_codes=$7 stamp_environment=$9
	stamp_owner=0
	if [ -n "$8" ]; then
		stamp_as "$8" 2>"$stamp_log" || { stamp_code=1; stamp_fail; }
		stamp_bench=$stamp_desk
	else
		stamp_as_root
		stamp_bench=$stamp_dir
	fi
	shift 9
	stamp_put "$stamp_bench/script" "$1" "$2"
	stamp_line=
	IFS= read -r stamp_line <"$stamp_bench/script" || :
	case $stamp_line in
	'#!'*) stamp_line= ;;
	*) stamp_line=/bin/sh ;;
	esac
	printf '#!/bin/sh\n%s\nexec %s %s %s\n' "$stamp_enter" "$stamp_environment" "$stamp_line" "$stamp_bench/script" >"$stamp_bench/run"
	chmod 0700 "$stamp_bench/script" "$stamp_bench/run"
	[ "$stamp_bench" = "$stamp_dir" ] || chown "$stamp_owner" "$stamp_bench/script" "$stamp_bench/run"
	while :; do
		stamp_run "$stamp_seconds" "$stamp_start"
		if [ "$stamp_how" = exit ]; then
			case " $stamp_codes " in *" $stamp_code "*) break ;; esac
		fi
		[ "$stamp_try" -lt "$stamp_attempts" ] || stamp_fail
		stamp_try=$((stamp_try + 1))
		sleep "$stamp_interval"
	done
	stamp_pass
}

# stamp_as_root sets what a script is started by and begins with.
stamp_as_root() {
	stamp_start=$stamp_dir/run
	stamp_enter="cd /"
}
