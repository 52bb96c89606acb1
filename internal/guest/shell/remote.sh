# stamp_survey tells which items of the run are done.
stamp_survey() {
	for stamp_each in "$stamp_dir"/item-*; do
		[ "$(cat "$stamp_each/end" 2>/dev/null)" = ok ] && stamp_print "stamp-$stamp_nonce done ${stamp_each##*-}"
	done
	return 0
}

# stamp_mark NUMBER PHASE NAME notes as done what was done elsewhere.
stamp_mark() {
	stamp_begin "$@" || return 0
	stamp_pass
}

# stamp_depart leaves the end to a process of its own: the agent that runs this command
# must have told its result before its own traces are removed and the machine is switched
# off. That process begins while the machine is still whole, and waits.
stamp_depart() {
	cat "$0" >"$stamp_now/depart"
	if [ -n "$stamp_root" ] || ! systemd-run --quiet --collect --no-block /bin/sh "$stamp_now/depart" depart >/dev/null 2>&1; then
		setsid /bin/sh "$stamp_now/depart" depart </dev/null >/dev/null 2>&1 &
	fi
}

# stamp_left tells the process that waits that its time has come.
stamp_left() { : >"$stamp_now/left"; }

# stamp_await waits for stamp_left, and then for the agent. Only a clean end switches the
# machine off; any other is told on the console.
stamp_await() {
	stamp_try=0
	until [ -e "$stamp_now/left" ]; do
		[ "$stamp_try" -lt 600 ] || exit 1
		# A restart must not wait for us: there is nothing to do before the end.
		[ -z "$stamp_ending" ] || exit 1
		stamp_try=$((stamp_try + 1))
		sleep 1
	done
	sleep "$stamp_pause"
}
