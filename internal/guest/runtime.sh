# Everything is a function, so that the whole file is read before anything runs: the
# clean-up deletes the file. $stamp_root is empty on a server.
stamp_dir=$stamp_root/var/lib/stamp-bake
stamp_log=$stamp_dir/output
stamp_apt=$stamp_root/etc/apt/apt.conf.d/99stamp-bake
export PATH="${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export HOME="${HOME:-/root}"
umask 022
cd /

# stamp_say LINE writes a marker, to the console too when that is not our output.
stamp_say() {
	printf '%s\n' "stamp-$stamp_nonce $*"
	[ -n "$stamp_console" ] && [ -c "$stamp_console" ] && printf '%s\r\n' "stamp-$stamp_nonce $*" 2>/dev/null >"$stamp_console"
	return 0
}

stamp_open() {
	rm -rf "$stamp_dir"
	mkdir -p -m 0700 "$stamp_dir"
	: >"$stamp_log"
	stamp_say begin
}

# stamp_busy tells whether a package manager is at work: by its units, and by the
# locks that are held on its files.
stamp_busy() {
	for stamp_unit in apt-daily.service apt-daily-upgrade.service dnf-makecache.service; do
		case $(systemctl show -p ActiveState --value "$stamp_unit" 2>/dev/null) in
		active | activating | reloading) return 0 ;;
		esac
	done
	for stamp_lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock \
		/var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
		[ -e "$stamp_root$stamp_lock" ] || continue
		stamp_inode=$(ls -i "$stamp_root$stamp_lock" 2>/dev/null) || continue
		grep -q ":${stamp_inode%% *} " /proc/locks 2>/dev/null && return 0
	done
	return 1
}

# stamp_settle waits until nobody else installs packages, and makes apt wait for the
# lock should somebody begin later.
stamp_settle() {
	stamp_left=300
	while [ "$stamp_left" -gt 0 ] && stamp_busy; do
		[ "$stamp_left" -eq 300 ] && stamp_say note waiting for the package manager
		sleep 2
		stamp_left=$((stamp_left - 2))
	done
	[ -d "$stamp_root/etc/apt/apt.conf.d" ] && echo 'DPkg::Lock::Timeout "300";' >"$stamp_apt"
	return 0
}

# stamp_put FILE ENCODING CONTENT
stamp_put() {
	case $2 in
	base64) printf '%s' "$3" | base64 -d >"$1" ;;
	*) printf '%s' "$3" >"$1" ;;
	esac
}

# stamp_script NUMBER ENCODING CONTENT keeps a script for stamp_do.
stamp_script() {
	stamp_put "$stamp_dir/script-$1" "$2" "$3"
	chmod 0700 "$stamp_dir/script-$1"
}

# stamp_kill PID... ends process groups. (dash and busybox know no "--" after a signal.)
stamp_kill() {
	for stamp_group in "$@"; do
		kill -KILL "-$stamp_group" 2>/dev/null || kill -KILL "$stamp_group" 2>/dev/null
	done
	return 0
}

# stamp_run SECONDS NUMBER VARIABLE=VALUE... runs a kept script in a session of its
# own, and ends the whole session when the time is over.
stamp_run() {
	stamp_limit=$1
	stamp_file=$stamp_dir/script-$2
	shift 2
	rm -f "$stamp_dir/late"
	stamp_first=
	IFS= read -r stamp_first <"$stamp_file" || :
	case $stamp_first in
	'#!'*) set -- "$@" "$stamp_file" ;;
	*) set -- "$@" /bin/sh "$stamp_file" ;;
	esac
	stamp_session=setsid
	command -v setsid >/dev/null 2>&1 || { stamp_session=; set -m; }
	$stamp_session env "HOME=$HOME" "$@" </dev/null >"$stamp_log" 2>&1 &
	stamp_pid=$!
	$stamp_session /bin/sh -c 'sleep "$1"; : >"$2"; kill -TERM "-$3"; sleep 5; kill -KILL "-$3"' \
		sh "$stamp_limit" "$stamp_dir/late" "$stamp_pid" </dev/null >/dev/null 2>&1 &
	stamp_watch=$!
	stamp_code=0
	wait "$stamp_pid" || stamp_code=$?
	stamp_kill "$stamp_watch"
	wait "$stamp_watch" 2>/dev/null || :
	stamp_late=no
	if [ -e "$stamp_dir/late" ]; then
		stamp_late=yes
		stamp_kill "$stamp_pid"
		[ "$stamp_code" -ne 0 ] || stamp_code=124
	fi
}

# stamp_do PHASE NAME SECONDS ATTEMPTS INTERVAL NUMBER VARIABLE=VALUE...
stamp_do() {
	stamp_phase=$1 stamp_name=$2 stamp_seconds=$3 stamp_attempts=$4 stamp_interval=$5
	shift 5
	stamp_say "start $stamp_phase $stamp_name"
	stamp_try=1
	while :; do
		stamp_run "$stamp_seconds" "$@"
		[ "$stamp_code" -eq 0 ] && break
		[ "$stamp_try" -ge "$stamp_attempts" ] && stamp_fail
		stamp_try=$((stamp_try + 1))
		sleep "$stamp_interval"
	done
	stamp_say "pass $stamp_phase $stamp_name"
}

# stamp_upload NAME begins an upload; stamp_file puts one file of it.
stamp_upload() {
	stamp_phase=step stamp_name=$1 stamp_try=1 stamp_late=no
	: >"$stamp_log"
	stamp_say "start step $stamp_name"
}

# stamp_place PATH MODE OWNER SIZE ENCODING CONTENT
stamp_place() {
	{
		mkdir -p "$(dirname "$stamp_root$1")" && stamp_put "$stamp_root$1" "$5" "$6" &&
			stamp_size=$(wc -c <"$stamp_root$1") &&
			{ [ "$stamp_size" -eq "$4" ] || { echo "$1 has $stamp_size bytes, not $4: is the disk full?"; false; }; } &&
			{ [ -z "$3" ] || chown "$3" "$stamp_root$1"; } &&
			chmod "$2" "$stamp_root$1"
	} >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
}

# stamp_clean NAME FUNCTION runs a part of the clean-up, which must succeed.
stamp_clean() {
	stamp_phase=clean-up stamp_name=$1 stamp_try=1 stamp_late=no stamp_code=0
	"$2" >"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
}

# stamp_none FILE... fails, naming them, when one of the files exists.
stamp_none() {
	stamp_found=0
	for stamp_each in "$@"; do
		if [ -e "$stamp_each" ] || [ -L "$stamp_each" ]; then
			echo "still there: $stamp_each"
			stamp_found=1
		fi
	done
	return "$stamp_found"
}

stamp_clean_host_keys() {
	rm -f "$stamp_root"/etc/ssh/ssh_host_*_key "$stamp_root"/etc/ssh/ssh_host_*_key.pub
	stamp_none "$stamp_root"/etc/ssh/ssh_host_*_key
}

# An empty /etc/machine-id is filled in by the next boot (machine-id(5)); the seed and
# the secret must not be shared either (systemd-random-seed.service(8), systemd-creds(1)).
stamp_clean_machine_id() {
	[ ! -e "$stamp_root/etc/machine-id" ] || : >"$stamp_root/etc/machine-id" || return
	[ -L "$stamp_root/var/lib/dbus/machine-id" ] || rm -f "$stamp_root/var/lib/dbus/machine-id"
	rm -f "$stamp_root/var/lib/systemd/random-seed" "$stamp_root/var/lib/systemd/credential.secret"
	[ ! -s "$stamp_root/etc/machine-id" ] || { echo "still there: /etc/machine-id"; return 1; }
	stamp_none "$stamp_root/var/lib/systemd/random-seed" "$stamp_root/var/lib/systemd/credential.secret"
}

# What "cloud-init clean --logs" removes; a seed is configuration and stays.
stamp_clean_cloud_init() {
	for stamp_each in "$stamp_root"/var/lib/cloud/* "$stamp_root"/var/log/cloud-init*.log; do
		case $stamp_each in */seed) ;; *) rm -rf "$stamp_each" ;; esac
	done
	stamp_none "$stamp_root/var/lib/cloud/instance" "$stamp_root/var/lib/cloud/instances"
}

# Files are emptied, not removed: their owners and modes are the services' own.
stamp_clean_logs() {
	[ -d "$stamp_root/var/log" ] || return 0
	rm -rf "$stamp_root"/var/log/journal/*
	find "$stamp_root/var/log" -type f \( -name '*.gz' -o -name '*.xz' -o -name '*.old' -o -name '*.[0-9]' \) -exec rm -f {} + &&
		find "$stamp_root/var/log" -type f -exec /bin/sh -c 'for file do : >"$file"; done' sh {} +
}

stamp_clean_histories() {
	for stamp_home in "$stamp_root/root" "$stamp_root"/home/*; do
		for stamp_each in .bash_history .ash_history .sh_history .zsh_history .python_history .mysql_history .psql_history \
			.lesshst .viminfo .wget-hsts; do
			rm -f "$stamp_home/$stamp_each"
		done
	done
	stamp_none "$stamp_root"/root/.bash_history "$stamp_root"/home/*/.bash_history
}

# stamp_clean_own removes what the bake itself has left: always.
stamp_clean_own() {
	rm -f "$stamp_apt" "$stamp_root"/var/lib/cloud/instances/*/user-data.txt* "$stamp_root"/var/lib/cloud/instances/*/obj.pkl \
		"$stamp_root"/var/lib/cloud/instances/*/scripts/part-* "$stamp_root"/var/lib/cloud/instances/*/cloud-config.txt
	stamp_none "$stamp_apt" "$stamp_root"/var/lib/cloud/instances/*/user-data.txt
}

# stamp_fail reports the failure with the end of the output, and ends.
stamp_fail() {
	stamp_say "fail $stamp_phase exit=$stamp_code late=$stamp_late attempts=$stamp_try $stamp_name"
	tail -n 50 "$stamp_log" 2>/dev/null | LC_ALL=C tr -d '\000-\010\013-\037\177' | LC_ALL=C cut -b 1-240 >"$stamp_dir/tail"
	stamp_line=0
	while IFS= read -r stamp_text || [ -n "$stamp_text" ]; do
		stamp_line=$((stamp_line + 1))
		stamp_say "out $stamp_line $stamp_text"
	done <"$stamp_dir/tail"
	stamp_close failed
}

# stamp_close RESULT ends the run and the machine. It does not return: what would come
# after it in the boot must not write to a disk that is about to be captured.
stamp_close() {
	rm -rf "$stamp_dir"
	rm -f "$stamp_apt"
	stamp_say "end $1"
	sync
	stamp_power_off
	exit 0
}
