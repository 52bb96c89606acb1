# stamp_kill PID... ends process groups. (dash and busybox know no "--" after a signal.)
stamp_kill() {
	for stamp_group in "$@"; do
		kill -KILL "-$stamp_group" 2>/dev/null || kill -KILL "$stamp_group" 2>/dev/null
	done
	return 0
}

# stamp_drain keeps the end of what comes out of the pipe: in the log, and in another one
# that the log becomes when it is long enough. It never stops reading: what a script has
# left running may print for as long as it runs. (A "dd" writes at once what it has read.)
# shellcheck disable=SC2016 # it is the inner shell that expands
stamp_drain='
	stamp_had=0
	while :; do
		dd bs=65536 count=64 2>/dev/null >>"$1"
		stamp_has=$(wc -c <"$1")
		[ "$stamp_has" -gt "$stamp_had" ] || break
		stamp_had=$stamp_has
		[ "$stamp_has" -lt 65536 ] || { mv -f "$1" "$1.old"; stamp_had=0; }
	done
	cat >/dev/null'

# stamp_drained waits until all that was printed is kept. What is left running may hold the
# pipe open for ever; two seconds are enough to read what is in it.
stamp_drained() {
	stamp_left=20
	while [ "$stamp_left" -gt 0 ] && kill -0 "$stamp_reader" 2>/dev/null; do
		sleep 0.1 2>/dev/null || sleep 1
		stamp_left=$((stamp_left - 1))
	done
}

# stamp_run SECONDS FILE runs a script in a session of its own, and ends the whole session
# when the time is over.
stamp_run() {
	! stamp_ends || stamp_leave
	rm -f "$stamp_now/late" "$stamp_now/pipe" "$stamp_log" "$stamp_log.old"
	: >"$stamp_log"
	# Others than root may write, so that a script of theirs can open /dev/stdout.
	mkfifo -m 0622 "$stamp_now/pipe"
	stamp_session=setsid
	command -v setsid >/dev/null 2>&1 || { stamp_session=; set -m; }
	$stamp_session /bin/sh -c "$stamp_drain" sh "$stamp_log" <"$stamp_now/pipe" >/dev/null 2>&1 &
	stamp_reader=$!
	$stamp_session /bin/sh "$2" </dev/null >"$stamp_now/pipe" 2>&1 &
	stamp_pid=$!
	# shellcheck disable=SC2016 # it is the inner shell that expands
	$stamp_session /bin/sh -c 'sleep "$1"; : >"$2"; kill -TERM "-$3"; sleep 5; kill -KILL "-$3"' \
		sh "$1" "$stamp_now/late" "$stamp_pid" </dev/null >/dev/null 2>&1 &
	stamp_watch=$!
	stamp_code=0
	wait "$stamp_pid" || stamp_code=$?
	if [ -n "$stamp_ending" ] && kill -0 "$stamp_pid" 2>/dev/null; then
		# That we were told to end has only ended the waiting; 127 is for what has ended before.
		# bash waits for ever for what it has missed the end of.
		stamp_again=0
		wait "$stamp_pid" || stamp_again=$?
		[ "$stamp_again" -eq 127 ] || stamp_code=$stamp_again
	fi
	stamp_kill "$stamp_watch"
	wait "$stamp_watch" 2>/dev/null || :
	stamp_how="exit"
	if [ -e "$stamp_now/late" ]; then
		stamp_how="late"
		stamp_kill "$stamp_pid"
		[ "$stamp_code" -ne 0 ] || stamp_code=124
	fi
	stamp_drained
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
		stamp_bench=$stamp_now/bench
	fi
	shift 9
	{
		stamp_bring "$stamp_bench/script" stamp_content "$1" "$2" &&
			stamp_by "$stamp_bench/script" &&
			stamp_bring "$stamp_bench/run" \
				printf '%s\nexec %s %s %s\n' "$stamp_enter" "$stamp_environment" "$stamp_line" "$stamp_bench/script"
	} 2>"$stamp_log" || { stamp_code=1; stamp_fail; }
	while :; do
		stamp_run "$stamp_seconds" "$stamp_start"
		if [ "$stamp_how" = exit ]; then
			case " $stamp_codes " in *" $stamp_code "*) break ;; esac
		fi
		[ "$stamp_try" -lt "$stamp_attempts" ] || stamp_fail
		stamp_try=$((stamp_try + 1))
		sleep "$stamp_interval"
	done
	if stamp_ends || stamp_going; then
		# What it asked for passes once it has happened.
		stamp_keep
		: >"$stamp_item/going"
		! stamp_ends || exit 1
		stamp_stay
	fi
	stamp_pass
}

# stamp_bring FILE COMMAND... makes a file of what a command prints, which nobody but the
# step's user may read at any time.
stamp_bring() {
	stamp_file=$1
	shift
	rm -f "$stamp_file"
	(umask 077 && "$@" >"$stamp_file") && { [ "$stamp_owner" = 0 ] || chown "$stamp_owner" "$stamp_file"; }
}

# stamp_by FILE sets what a script is run by: what its first line names, with the rest of
# the line as one word, as the kernel does. The kernel itself cannot be asked, since /run
# mostly allows no programs.
# https://man7.org/linux/man-pages/man2/execve.2.html
stamp_by() {
	stamp_line=
	IFS= read -r stamp_line <"$1" || :
	case $stamp_line in
	'#!'*) ;;
	*)
		stamp_line=/bin/sh
		return 0
		;;
	esac
	stamp_line=$(printf '%s' "${stamp_line#??}" | tr '\t' ' ' | sed 's/^ *//; s/ *$//')
	stamp_text=${stamp_line%% *}
	stamp_line=$(printf '%s' "${stamp_line#"$stamp_text"}" | sed 's/^ *//')
	stamp_text=$(stamp_quote "$stamp_text")
	[ -z "$stamp_line" ] || stamp_text="$stamp_text $(stamp_quote "$stamp_line")"
	stamp_line=$stamp_text
}

# stamp_as_root sets what a script is started by and begins with.
stamp_as_root() {
	stamp_start=$stamp_now/bench/run
	stamp_enter="cd /"
}
