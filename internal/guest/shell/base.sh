# Everything is a function, so that the whole file is read before anything runs: the
# clean-up deletes the file. $stamp_root is empty on a server.
#
# What must outlive a reboot is below $stamp_dir, for root alone; what must not is below
# $stamp_now, which is gone with each boot. The two together tell an item that a reboot
# has cut off from one that is under way.
#
# What scripts print may hold secrets, so it is below $stamp_now, which is memory: a
# snapshot copies blocks of the disk whose files are long gone. Only the end of it goes to
# the disk, once the secrets are hidden.
stamp_dir=$stamp_root/var/lib/stamp-bake
stamp_now=$stamp_root/run/stamp-bake
stamp_desk=$stamp_root/run/stamp-bake-user
stamp_staged=$stamp_root/var/lib/stamp-bake-staged
stamp_parcels=$stamp_dir/parcels
stamp_hook=$stamp_root/var/lib/cloud/scripts/per-boot/stamp-bake
stamp_log=$stamp_now/output
stamp_apt=$stamp_root/etc/apt/apt.conf.d/99stamp-bake
stamp_item=
stamp_name=
stamp_ending=
stamp_last=
stamp_taken=
export PATH="${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export HOME="${HOME:-/root}"
umask 022
cd / || exit

# stamp_print LINE prints a line, on the console too when that is not our output.
stamp_print() {
	printf '%s\n' "$1"
	[ -n "$stamp_console" ] && [ -c "$stamp_console" ] && printf '%s\r\n' "$1" 2>/dev/null >"$stamp_console"
	return 0
}

# stamp_say WORD... tells a marker, and keeps what an item tells.
stamp_say() {
	stamp_print "stamp-$stamp_nonce $*"
	[ -z "$stamp_item" ] || { printf '%s\n' "stamp-$stamp_nonce $*" >>"$stamp_item/said"; } 2>/dev/null || :
}

# stamp_open begins a run, or finds the one that an earlier boot has begun. A command that
# comes when the machine is about to be switched off has nothing to do any more.
stamp_open() {
	[ ! -e "$stamp_now/left" ] || [ -n "$stamp_last" ] || stamp_close ok
	trap 'stamp_ending=yes' TERM
	mkdir -p "$stamp_root/var/lib" "$stamp_now/bench"
	chmod 0700 "$stamp_now"
	if [ "$(cat "$stamp_dir/nonce" 2>/dev/null)" != "$stamp_nonce" ]; then
		rm -rf "$stamp_dir"
		mkdir -m 0700 "$stamp_dir"
		echo "$stamp_nonce" >"$stamp_dir/nonce"
	fi
	stamp_print "stamp-$stamp_nonce begin"
}

# stamp_hold keeps the script and has the next boot run it again. A script that is run
# twice in one boot leaves the work to the first.
stamp_hold() {
	[ -n "$stamp_taken" ] || mkdir "$stamp_now/script" 2>/dev/null || exit 0
	[ -e "$stamp_dir/bake" ] || cat "$0" >"$stamp_dir/bake"
	stamp_resume
}

# stamp_resume has cloud-init run the script in the next boot. A step may have removed what
# an earlier one has written ("cloud-init clean" does), so it is written before each restart.
# https://docs.cloud-init.io/en/latest/reference/modules.html#scripts-per-boot
stamp_resume() {
	[ -z "$stamp_remote" ] || return 0
	mkdir -p "${stamp_hook%/*}"
	printf '#!/bin/sh\n[ -r %s ] && exec /bin/sh %s\n' "$stamp_dir/bake" "$stamp_dir/bake" >"$stamp_hook"
	chmod 0700 "$stamp_hook"
}

# stamp_guard runs the script in a process of its own, and takes over where that is killed:
# by a step, or by a kernel that needs its memory. Without it nobody would say so.
stamp_guard() {
	(stamp_main) &
	stamp_code=0
	wait "$!" || stamp_code=$?
	[ "$stamp_code" -ge 128 ] || exit "$stamp_code"
	# Where the machine itself ends, this process does too.
	sleep "$stamp_pause"
	stamp_taken=yes
}

# stamp_begin NUMBER PHASE NAME begins an item. One that is done is told again, and the
# answer is false. One that another command is at is waited for.
stamp_begin() {
	[ -d "$stamp_dir/item-$1" ] || stamp_stay
	stamp_number=$1 stamp_phase=$2 stamp_name=$3
	stamp_try=1 stamp_how="exit" stamp_code=0
	stamp_item=$stamp_dir/item-$1
	stamp_log=$stamp_now/output-$1
	if stamp_text=$(mkdir "$stamp_item" 2>&1); then
		: >"$stamp_now/item-$1"
		{ stamp_self >"$stamp_item/pid"; } 2>/dev/null
		stamp_blank
		stamp_say "start $stamp_phase $stamp_name"
		return 0
	fi
	[ -d "$stamp_item" ] || stamp_unwritten "$stamp_text"
	# Whoever began it may not have come to say that it was in this boot.
	[ -z "$stamp_remote" ] || [ -e "$stamp_now/item-$1" ] || sleep 2
	stamp_wait
	if [ -e "$stamp_item/end" ]; then
		while IFS= read -r stamp_text; do stamp_print "$stamp_text"; done <"$stamp_item/said"
		[ "$(cat "$stamp_item/end")" = ok ] || stamp_close failed
		stamp_item=
		return 1
	fi
	stamp_how="cut"
	[ -e "$stamp_now/item-$1" ] || stamp_how="reboot"
	[ -e "$stamp_item/going" ] || return 0
	# Its script has ended well, and has asked for the restart.
	[ "$stamp_how" = reboot ] || stamp_stay
	stamp_pass
	return 1
}

# stamp_self prints the number of this process, which need not be that of the shell ($$).
stamp_self() {
	# shellcheck disable=SC2016 # it is the inner shell that expands
	sh -c 'echo $PPID'
}

# stamp_wait waits for whoever is at the item, as long as it is alive; it may not have
# come to say who it is.
stamp_wait() {
	stamp_left=10
	while [ ! -e "$stamp_item/end" ] && [ -e "$stamp_now/item-$stamp_number" ] && [ "$stamp_left" -gt 0 ]; do
		if [ -s "$stamp_item/pid" ]; then
			kill -0 "$(cat "$stamp_item/pid")" 2>/dev/null || return 0
		else
			stamp_left=$((stamp_left - 1))
		fi
		sleep 1
	done
}

# stamp_unbroken ends an item badly that has begun before and has not ended.
stamp_unbroken() { [ "$stamp_how" = exit ] || stamp_fail; }

# stamp_pass ends an item well. The next boot must know, so it is written before it is told.
stamp_pass() {
	stamp_tell
	if ! stamp_text=$({
		stamp_put "$stamp_item/said" "stamp-$stamp_nonce pass $stamp_phase $stamp_name" &&
			stamp_put "$stamp_item/end" ok
	} 2>&1); then
		stamp_unwritten "$stamp_text"
	fi
	stamp_print "stamp-$stamp_nonce pass $stamp_phase $stamp_name"
	stamp_item=
}

# stamp_put FILE TEXT adds a line. What goes wrong is told by cat, in the system's words:
# the shell's own may be "I/O error" for a full disk.
stamp_put() { printf '%s\n' "$2" | cat >>"$1"; }

# stamp_unwritten REASON ends an item badly whose notes cannot be written, in memory.
stamp_unwritten() {
	rm -f "$stamp_item/end"
	stamp_item=$stamp_now/unwritten
	mkdir -p "$stamp_item"
	printf '%s\n' "$1" >>"$stamp_log"
	stamp_how="disk"
	stamp_fail
}

# stamp_blank begins the output of an item anew. What earlier items have left running may
# still print to theirs.
stamp_blank() {
	rm -f "$stamp_now"/output-*
	: >"$stamp_log"
}

# stamp_output prints what is kept of the output. stamp_drain has put what came before
# aside.
stamp_output() { cat "$stamp_log.old" "$stamp_log" 2>/dev/null; }

# stamp_tail prints the end of the output, in lines that a console can show. However much
# there is, 64 KiB of it are looked at. Colours and control characters go before the secrets
# are looked for: inside of one they would hide it.
stamp_tail() {
	stamp_cut=
	[ "$(stamp_output | wc -c)" -le 65536 ] || stamp_cut=yes
	stamp_output | tail -c 65536 | stamp_plain | stamp_mask | tail -n 50 | LC_ALL=C cut -b 1-240
}

# stamp_plain takes out what a terminal obeys and does not show: whole sequences of ECMA-48
# (colours) first, then what is left of control characters.
# https://ecma-international.org/publications-and-standards/standards/ecma-48/
stamp_plain() {
	stamp_escape=$(printf '\033')
	LC_ALL=C sed "s/$stamp_escape\\[[0-?]*[ -/]*[@-~]//g" | LC_ALL=C tr -d '\000-\010\013-\037\177'
}

# stamp_mask hides secrets; where there are none there is nothing to hide.
stamp_mask() { cat; }

# stamp_keep keeps the end of the output, unless an earlier boot has: in memory, and for the
# next boot on the disk, which may be full.
stamp_keep() {
	if [ -e "$stamp_log" ] || [ ! -e "$stamp_item/tail" ]; then
		stamp_tail >"$stamp_log.tail"
		{ cat "$stamp_log.tail" >"$stamp_item/tail"; } 2>/dev/null || :
	else
		cat "$stamp_item/tail" >"$stamp_log.tail"
	fi
}

# stamp_ends tells whether we were told to end because the machine does. A step may have
# told us, and the machine go on.
stamp_ends() {
	[ -n "$stamp_ending" ] || return 1
	[ -d "$stamp_root/run/systemd/system" ] || return 0
	case $(systemctl is-system-running 2>/dev/null) in
	running | degraded | starting | initializing | maintenance) stamp_going ;;
	esac
}

# stamp_leave ends because the machine does; the next boot has more to say.
stamp_leave() {
	stamp_keep
	exit 1
}

# stamp_going tells whether the machine is on its way down, or will be within ten minutes.
# What asks for that returns at once, and systemd may take its time. stamp_away is how, as
# far as that can be seen.
# https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.login1.html
stamp_going() {
	stamp_away=
	if [ -r "$stamp_root/run/systemd/shutdown/scheduled" ]; then
		stamp_text=$(sed -n 's/^USEC=\([0-9]*\)[0-9]\{6\}$/\1/p' "$stamp_root/run/systemd/shutdown/scheduled")
		stamp_away=$(sed -n 's/^MODE=//p' "$stamp_root/run/systemd/shutdown/scheduled")
		[ "${stamp_text:-0}" -gt "$(($(date +%s) + 600))" ] || return 0
		stamp_away=
	fi
	[ -d "$stamp_root/run/systemd/system" ] || return 1
	case $(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager PreparingForShutdown 2>/dev/null) in
	*true) ;;
	*) [ "$(systemctl is-system-running 2>/dev/null)" = stopping ] || return 1 ;;
	esac
	case $(systemctl list-jobs --no-legend 2>/dev/null) in
	*poweroff.target* | *halt.target*) stamp_away=poweroff ;;
	*reboot.target* | *kexec.target*) stamp_away=reboot ;;
	esac
	return 0
}

# stamp_stay waits for the end of a machine that is on its way down: nothing is begun any
# more, and the next boot goes on. It returns when nothing, or no longer anything, is on
# its way. A machine that is switched off would not go on.
stamp_stay() {
	stamp_left=1200
	while stamp_going; do
		case $stamp_away:$stamp_name in
		poweroff:?* | halt:?*)
			[ -n "$stamp_item" ] || { stamp_item=$stamp_now/off && mkdir -p "$stamp_item"; }
			stamp_how="off"
			stamp_fail
			;;
		esac
		if [ "$stamp_left" -eq 1200 ]; then
			stamp_resume
			sync
			if [ -n "$stamp_remote" ]; then
				printf '%s\n' "stamp-$stamp_nonce end rebooting"
				exit 0
			fi
			stamp_print "stamp-$stamp_nonce note the machine is going down: the next boot goes on"
		fi
		[ "$stamp_left" -gt 0 ] || break
		[ -z "$stamp_ending" ] || exit 1
		stamp_left=$((stamp_left - 1))
		sleep 1
	done
}

# stamp_tell tells what an item has printed, where that is wanted: to our output only.
stamp_tell() {
	[ -n "$stamp_telling" ] || return 0
	stamp_line=0
	stamp_keep
	while IFS= read -r stamp_text || [ -n "$stamp_text" ]; do
		stamp_line=$((stamp_line + 1))
		stamp_text="stamp-$stamp_nonce out $stamp_line $stamp_text"
		printf '%s\n' "$stamp_text"
		{ printf '%s\n' "$stamp_text" >>"$stamp_item/said"; } 2>/dev/null || :
	done <"$stamp_log.tail"
}

# stamp_fail reports the failure with the end of the output, and ends. Where the machine
# itself is ending, that is why, and the next boot has more to say.
stamp_fail() {
	[ "$stamp_code" -lt 128 ] || sleep 1
	if stamp_ends; then
		! stamp_going || case $stamp_away in poweroff | halt) stamp_how="off" ;; esac
		[ "$stamp_how" = off ] || stamp_leave
	fi
	stamp_say "fail $stamp_phase exit=$stamp_code how=$stamp_how attempts=$stamp_try $stamp_name"
	stamp_line=0
	stamp_keep
	while IFS= read -r stamp_text || [ -n "$stamp_text" ]; do
		stamp_line=$((stamp_line + 1))
		stamp_say "out $stamp_line $stamp_text"
	done <"$stamp_log.tail"
	{ echo failed >"$stamp_item/end"; } 2>/dev/null
	stamp_close failed
}

# stamp_forget removes what the run keeps on disk.
stamp_forget() {
	rm -rf "$stamp_dir" "$stamp_desk" "$stamp_staged"
	rm -f "$stamp_apt" "$stamp_hook"
}

# stamp_close RESULT ends the run. It does not return: what would come after it in the
# boot must not write to a disk that is about to be captured.
stamp_close() {
	stamp_item=
	if [ -n "$stamp_remote" ]; then
		# The console's end is the run's, not that of each command.
		printf '%s\n' "stamp-$stamp_nonce end $1"
		exit 0
	fi
	stamp_forget
	[ -e "$stamp_now/left" ] || rm -rf "$stamp_now"
	stamp_say "end $1"
	sync
	trap - TERM
	stamp_power_off
	exit 0
}

# stamp_stop UNIT... stops services that would disturb, or write again what is removed. They
# are back with the next boot.
stamp_stop() {
	[ -n "$stamp_root" ] || systemctl stop "$@" >/dev/null 2>&1 || :
}

# stamp_quote TEXT prints it as one word of the shell.
stamp_quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# stamp_content ENCODING CONTENT prints it decoded.
stamp_content() {
	case $1 in
	base64) printf '%s' "$2" | base64 -d ;;
	parcel) gzip -dc <"$stamp_parcels/$2" ;;
	*) printf '%s' "$2" ;;
	esac
}
