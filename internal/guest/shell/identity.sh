# stamp_identity KIND prints digests of what no two servers may share.
stamp_identity() {
	case $1 in
	machine-id) [ -s "$stamp_root/etc/machine-id" ] && stamp_digest <"$stamp_root/etc/machine-id" ;;
	host-key)
		for stamp_each in "$stamp_root"/etc/ssh/ssh_host_*_key.pub; do
			[ -s "$stamp_each" ] && cut -d ' ' -f 2 "$stamp_each" | stamp_digest
		done
		;;
	esac
}

stamp_digest() { sha256sum | cut -c 1-16; }

# stamp_identify KIND... tells the builder's digests.
stamp_identify() {
	for stamp_kind in "$@"; do
		for stamp_each in $(stamp_identity "$stamp_kind"); do
			stamp_say "identity $stamp_kind $stamp_each"
		done
	done
}

# stamp_differ NUMBER KIND DIGEST... fails when this server has one of the digests.
stamp_differ() {
	stamp_begin "$1" identity "$2" || return 0
	stamp_unbroken
	stamp_kind=$2
	shift 2
	for stamp_each in $(stamp_identity "$stamp_kind"); do
		case " $* " in *" $stamp_each "*)
			echo "this server's $stamp_kind is the builder's: all servers of the image would share it" >"$stamp_log"
			stamp_code=1
			stamp_fail
			;;
		esac
	done
	stamp_pass
}
