# stamp_clean NUMBER NAME runs a part of the clean-up, which must succeed. A restart makes
# anew what was removed before it: what an earlier boot has done is done again.
stamp_clean() {
	if [ -d "$stamp_dir/item-$1" ]; then
		# Whoever began it may not have come to say that it was in this boot.
		[ -z "$stamp_remote" ] || [ -e "$stamp_now/item-$1" ] || sleep 2
		[ -e "$stamp_now/item-$1" ] || rm -rf "$stamp_dir/item-$1"
	fi
	stamp_begin "$1" clean-up "$2" || return 0
	stamp_unbroken
	"stamp_clean_$2" >"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
	stamp_pass
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

# stamp_shade DIRECTORY... puts memory over directories, so that what services write there
# while the machine ends, as "dhclient -r" does, never comes to the disk.
stamp_shade() {
	[ -z "$stamp_root" ] || return 0
	for stamp_each in "$@"; do
		[ ! -d "$stamp_each" ] || mount -t tmpfs -o mode=0755,size=64m stamp "$stamp_each" 2>/dev/null || :
	done
}

stamp_clean_host_keys() {
	rm -f "$stamp_root"/etc/ssh/ssh_host_*_key "$stamp_root"/etc/ssh/ssh_host_*_key.pub
	stamp_none "$stamp_root"/etc/ssh/ssh_host_*_key
}

# An empty /etc/machine-id is filled in by the next boot (machine-id(5)); the secret of
# systemd-creds(1) must not be shared either.
stamp_clean_machine_id() {
	[ ! -e "$stamp_root/etc/machine-id" ] || : >"$stamp_root/etc/machine-id" || return
	[ -L "$stamp_root/var/lib/dbus/machine-id" ] || rm -f "$stamp_root/var/lib/dbus/machine-id"
	rm -f "$stamp_root/var/lib/systemd/credential.secret"
	[ ! -s "$stamp_root/etc/machine-id" ] || { echo "still there: /etc/machine-id"; return 1; }
	stamp_none "$stamp_root/var/lib/systemd/credential.secret"
}

# The service writes a new seed when it stops (systemd-random-seed.service(8)): so it
# stops first.
stamp_clean_random_seed() {
	stamp_stop systemd-random-seed.service
	set -- "$stamp_root/var/lib/systemd/random-seed" "$stamp_root/var/lib/random-seed" "$stamp_root/var/lib/urandom/random-seed" \
		"$stamp_root/boot/loader/random-seed" "$stamp_root/boot/efi/loader/random-seed" "$stamp_root/efi/loader/random-seed"
	rm -f "$@"
	stamp_none "$@"
}

# The DUID, by which a DHCP server knows a machine, is in dhclient's leases, and in a file of
# dhcpcd's. Both clients run until the end.
stamp_clean_dhcp_leases() {
	set -- "$stamp_root"/var/lib/dhcp/*.lease* "$stamp_root"/var/lib/dhclient/*.lease* "$stamp_root"/var/lib/dhcpcd/*.lease* \
		"$stamp_root"/var/lib/dhcpcd/duid "$stamp_root"/var/lib/dhcpcd/secret "$stamp_root/var/lib/dhcpcd5"/*.lease* "$stamp_root"/etc/dhcpcd.duid \
		"$stamp_root"/var/lib/NetworkManager/*.lease
	rm -f "$@"
	stamp_none "$@" || return
	stamp_shade /var/lib/dhcp /var/lib/dhclient /var/lib/dhcpcd
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

# Files are emptied, not removed: their owners and modes are the services' own. The journal
# comes back, with the machine-id in its name, unless it has gone to memory (journalctl(1));
# what the end of the machine is logged to then is memory too.
stamp_clean_logs() {
	[ -d "$stamp_root/var/log" ] || return 0
	stamp_stop syslog.socket rsyslog.service syslog-ng.service
	[ -n "$stamp_root" ] || journalctl --relinquish-var >/dev/null 2>&1 || :
	rm -rf "$stamp_root"/var/log/journal/*
	find "$stamp_root/var/log" -type f \( -name '*.gz' -o -name '*.xz' -o -name '*.old' -o -name '*.[0-9]' \) -exec rm -f {} + &&
		find "$stamp_root/var/log" -type f -exec /bin/sh -c 'for file do : >"$file"; done' sh {} + || return
	stamp_shade /var/log
}

# What makes the agent take the machine for the one that it was registered as.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html
stamp_clean_ssm() {
	stamp_stop amazon-ssm-agent.service
	stamp_stop snap.amazon-ssm-agent.amazon-ssm-agent.service
	rm -rf "$stamp_root"/var/lib/amazon/ssm/* "$stamp_root"/var/snap/amazon-ssm-agent/*/var/lib/amazon/ssm/*
	stamp_none "$stamp_root"/var/lib/amazon/ssm/* "$stamp_root"/var/snap/amazon-ssm-agent/*/var/lib/amazon/ssm/*
}

# What "cloud-init clean --logs" removes, but for what is configuration: a seed, and scripts
# that the image brings along for each boot or instance. Ours has yet to bring us through a
# restart: stamp_forget removes it.
stamp_clean_cloud_init() {
	for stamp_each in "$stamp_root"/var/lib/cloud/* "$stamp_root"/var/log/cloud-init*.log; do
		case $stamp_each in */seed | */scripts) ;; *) rm -rf "$stamp_each" ;; esac
	done
	for stamp_each in "$stamp_root"/var/lib/cloud/scripts/*; do
		case $stamp_each in */per-boot | */per-instance | */per-once) ;; *) rm -rf "$stamp_each" ;; esac
	done
	stamp_none "$stamp_root/var/lib/cloud/instance" "$stamp_root/var/lib/cloud/instances"
}

# stamp_clean_own removes what the bake itself has left: always.
stamp_clean_own() {
	rm -f "$stamp_apt" "$stamp_root"/var/lib/cloud/instances/*/user-data.txt* "$stamp_root"/var/lib/cloud/instances/*/obj.pkl \
		"$stamp_root"/var/lib/cloud/instances/*/scripts/part-* "$stamp_root"/var/lib/cloud/instances/*/cloud-config.txt
	# Where the agent keeps the commands that it was sent, and what they printed.
	rm -rf "$stamp_desk" "$stamp_staged" "$stamp_root"/var/lib/amazon/ssm/*/document/orchestration/*
	stamp_none "$stamp_apt" "$stamp_desk" "$stamp_staged" "$stamp_root"/var/lib/cloud/instances/*/user-data.txt
}
