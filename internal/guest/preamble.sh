# The slot is this server's place in its batch, which is its AMI launch index.
stamp_env=$stamp_root/etc/stamp/slot.env

# stamp_index asks the instance metadata service, with a session token.
stamp_index() {
	if command -v curl >/dev/null 2>&1; then
		stamp_token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$stamp_imds/latest/api/token") &&
			curl -sf -m 5 -H "X-aws-ec2-metadata-token: $stamp_token" "$stamp_imds/latest/meta-data/ami-launch-index"
	elif command -v python3 >/dev/null 2>&1; then
		python3 -c '
import sys, urllib.request as u
base = sys.argv[1]
head = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
token = u.urlopen(u.Request(base + "/latest/api/token", method="PUT", headers=head), timeout=5).read().decode()
head = {"X-aws-ec2-metadata-token": token}
print(u.urlopen(u.Request(base + "/latest/meta-data/ami-launch-index", headers=head), timeout=5).read().decode())
' "$stamp_imds" 2>/dev/null
	else
		stamp_token=$(wget -q -T 5 -O - --method=PUT --header='X-aws-ec2-metadata-token-ttl-seconds: 300' "$stamp_imds/latest/api/token") &&
			wget -q -T 5 -O - --header="X-aws-ec2-metadata-token: $stamp_token" "$stamp_imds/latest/meta-data/ami-launch-index"
	fi
}

# stamp_slot_at INDEX prints the slot at that place of the batch.
stamp_slot_at() {
	stamp_left=$1
	for stamp_range in $stamp_slots; do
		stamp_step=1
		case $stamp_range in */*) stamp_step=${stamp_range#*/} ;; esac
		stamp_range=${stamp_range%/*}
		stamp_from=${stamp_range%-*}
		stamp_count=$(((${stamp_range#*-} - stamp_from) / stamp_step + 1))
		if [ "$stamp_left" -lt "$stamp_count" ]; then
			echo $((stamp_from + stamp_left * stamp_step))
			return 0
		fi
		stamp_left=$((stamp_left - stamp_count))
	done
	return 1
}

# stamp_set_hostname NAME. A name with dots has its first part beside it, as installers write
# it (hosts(5)).
stamp_set_hostname() {
	echo "$1" >"$stamp_root/etc/hostname"
	grep -q "[[:space:]]$1\([[:space:]]\|\$\)" "$stamp_root/etc/hosts" 2>/dev/null || {
		stamp_short=${1%%.*}
		[ "$stamp_short" != "$1" ] || stamp_short=
		echo "127.0.1.1 $1${stamp_short:+ $stamp_short}" >>"$stamp_root/etc/hosts"
	}
	[ -z "$stamp_root" ] || return 0
	hostnamectl set-hostname "$1" 2>/dev/null || hostname "$1"
}

stamp_main() {
	rm -f "$stamp_env"
	stamp_found=
	for stamp_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		stamp_found=$(stamp_index)
		case $stamp_found in
		'' | *[!0-9]*) stamp_found= ;;
		*) break ;;
		esac
		sleep 2
	done
	stamp_slot=
	[ -z "$stamp_found" ] || stamp_slot=$(stamp_slot_at "$stamp_found")
	if [ -z "$stamp_slot" ]; then
		echo "stamp: this server's slot is unknown: launch index '$stamp_found' of slots $stamp_slots" >&2
		return 1
	fi
	stamp_hostname=
	# shellcheck disable=SC2059 # the pattern is one for printf
	[ -z "$stamp_pattern" ] || stamp_hostname=$(printf "$stamp_pattern" "$stamp_slot")
	mkdir -p "${stamp_env%/*}"
	(
		umask 077
		{
			printf '%s\n' "STAMP_FLEET=$stamp_fleet" "STAMP_SIZE=$stamp_size" "STAMP_SLOT=$stamp_slot" "STAMP_HOSTNAME=$stamp_hostname"
			stamp_environment "$stamp_slot"
		} >"$stamp_env"
	) || return
	[ -z "$stamp_hostname" ] || stamp_set_hostname "$stamp_hostname"
}
