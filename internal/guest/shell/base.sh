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
stamp_ending=
stamp_last=
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
	[ -z "$stamp_item" ] || printf '%s\n' "stamp-$stamp_nonce $*" >>"$stamp_item/said"
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
# https://docs.cloud-init.io/en/latest/reference/modules.html#scripts-per-boot
stamp_hold() {
	mkdir "$stamp_now/script" 2>/dev/null || exit 0
	[ -e "$stamp_dir/bake" ] && return 0
	cat "$0" >"$stamp_dir/bake"
	mkdir -p "${stamp_hook%/*}"
	printf '#!/bin/sh\n[ -r %s ] && exec /bin/sh %s\n' "$stamp_dir/bake" "$stamp_dir/bake" >"$stamp_hook"
	chmod 0700 "$stamp_hook"
}

# stamp_begin NUMBER PHASE NAME begins an item. One that is done is told again, and the
# answer is false. One that another command is at is waited for.
stamp_begin() {
	stamp_number=$1 stamp_phase=$2 stamp_name=$3
	stamp_try=1 stamp_how="exit" stamp_code=0
	stamp_item=$stamp_dir/item-$1
	stamp_log=$stamp_now/output-$1
	if mkdir "$stamp_item" 2>/dev/null; then
		: >"$stamp_now/item-$1"
		echo $$ >"$stamp_item/pid"
		stamp_blank
		stamp_say "start $stamp_phase $stamp_name"
		return 0
	fi
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
	return 0
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

stamp_pass() {
	stamp_tell
	stamp_say "pass $stamp_phase $stamp_name"
	echo ok >"$stamp_item/end"
	stamp_item=
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
# there is, 64 KiB of it are looked at. Control characters go before the secrets are
# looked for: inside of one they would hide it.
stamp_tail() {
	stamp_cut=
	[ "$(stamp_output | wc -c)" -le 65536 ] || stamp_cut=yes
	stamp_output | tail -c 65536 | LC_ALL=C tr -d '\000-\010\013-\037\177' | stamp_mask | tail -n 50 | LC_ALL=C cut -b 1-240
}

# stamp_mask hides secrets; where there are none there is nothing to hide.
stamp_mask() { cat; }

# stamp_keep puts the end of the output on the disk, unless an earlier boot has.
stamp_keep() { if [ -e "$stamp_log" ] || [ ! -e "$stamp_item/tail" ]; then stamp_tail >"$stamp_item/tail"; fi; }

# stamp_leave ends because the machine does; the next boot has more to say.
stamp_leave() {
	stamp_keep
	exit 1
}

# stamp_tell tells what an item has printed, where that is wanted: to our output only.
stamp_tell() {
	[ -n "$stamp_telling" ] || return 0
	stamp_line=0
	stamp_keep
	while IFS= read -r stamp_text || [ -n "$stamp_text" ]; do
		stamp_line=$((stamp_line + 1))
		printf '%s\n' "stamp-$stamp_nonce out $stamp_line $stamp_text" | tee -a "$stamp_item/said"
	done <"$stamp_item/tail"
}

# stamp_fail reports the failure with the end of the output, and ends. Where the machine
# itself is ending, that is why, and the next boot has more to say.
stamp_fail() {
	[ "$stamp_code" -lt 128 ] || sleep 1
	[ -z "$stamp_ending" ] || stamp_leave
	stamp_say "fail $stamp_phase exit=$stamp_code how=$stamp_how attempts=$stamp_try $stamp_name"
	stamp_line=0
	stamp_keep
	while IFS= read -r stamp_text || [ -n "$stamp_text" ]; do
		stamp_line=$((stamp_line + 1))
		stamp_say "out $stamp_line $stamp_text"
	done <"$stamp_item/tail"
	echo failed >"$stamp_item/end"
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
