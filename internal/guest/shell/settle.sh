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
		stamp_inode=$(stat -c %i "$stamp_root$stamp_lock" 2>/dev/null) || continue
		grep -q ":$stamp_inode " /proc/locks 2>/dev/null && return 0
	done
	# yum and zypper keep their process's number instead.
	for stamp_lock in /run/yum.pid /run/zypp.pid; do
		[ -s "$stamp_root$stamp_lock" ] && kill -0 "$(cat "$stamp_root$stamp_lock")" 2>/dev/null && return 0
	done
	return 1
}

# stamp_settle stops the timers that would begin package work, waits until cloud-init, when it is not cloud-init that runs us, and
# package managers have done their own work, and makes apt wait for a lock should
# somebody begin later: only for that of dpkg, since it does not wait for those of its lists
# and archives.
stamp_settle() {
	if [ -n "$stamp_remote" ] && command -v cloud-init >/dev/null 2>&1; then
		stamp_say "note waiting for cloud-init"
		timeout 600 cloud-init status --wait >/dev/null 2>&1
	fi
	stamp_stop apt-daily.timer apt-daily-upgrade.timer dnf-makecache.timer dnf-automatic.timer
	stamp_left=300
	while [ "$stamp_left" -gt 0 ] && stamp_busy; do
		[ "$stamp_left" -eq 300 ] && stamp_say "note waiting for the package manager"
		sleep 2
		stamp_left=$((stamp_left - 2))
	done
	[ -d "$stamp_root/etc/apt/apt.conf.d" ] && echo 'DPkg::Lock::Timeout "300";' >"$stamp_apt"
	return 0
}
