# stamp_metadata PATH asks the instance metadata service, with a session token.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
stamp_metadata() {
	if command -v curl >/dev/null 2>&1; then
		stamp_token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$stamp_imds/latest/api/token") &&
			curl -sf -m 5 -H "X-aws-ec2-metadata-token: $stamp_token" "$stamp_imds/latest/meta-data/$1"
	elif command -v python3 >/dev/null 2>&1; then
		python3 -c '
import sys, urllib.request as u
base = sys.argv[1] + "/latest/"
head = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
token = u.urlopen(u.Request(base + "api/token", method="PUT", headers=head), timeout=5).read().decode()
head = {"X-aws-ec2-metadata-token": token}
print(u.urlopen(u.Request(base + "meta-data/" + sys.argv[2], headers=head), timeout=5).read().decode())
' "$stamp_imds" "$1" 2>/dev/null
	else
		stamp_token=$(wget -q -T 5 -O - --method=PUT --header='X-aws-ec2-metadata-token-ttl-seconds: 300' "$stamp_imds/latest/api/token") &&
			wget -q -T 5 -O - --header="X-aws-ec2-metadata-token: $stamp_token" "$stamp_imds/latest/meta-data/$1"
	fi
}

# The keys that EC2 has handed to cloud-init are taken out of every authorized_keys.
# Those that a step or the source image has put there stay.
stamp_clean_authorized_keys() {
	stamp_found=0
	for stamp_key in $(stamp_metadata public-keys/ | cut -d = -f 1); do
		stamp_metadata "public-keys/$stamp_key/openssh-key" | cut -d ' ' -f 2 | grep . >"$stamp_dir/keys" || continue
		for stamp_each in "$stamp_root"/root/.ssh/authorized_keys "$stamp_root"/home/*/.ssh/authorized_keys; do
			[ -s "$stamp_each" ] || continue
			grep -v -F -f "$stamp_dir/keys" "$stamp_each" >"$stamp_dir/left" || [ $? -eq 1 ] || return
			cat "$stamp_dir/left" >"$stamp_each" || return
			! grep -q -F -f "$stamp_dir/keys" "$stamp_each" || { echo "still there: a key in $stamp_each"; stamp_found=1; }
		done
	done
	return "$stamp_found"
}
