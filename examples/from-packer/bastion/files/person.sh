#!/bin/sh
set -eu
id "$NAME" >/dev/null 2>&1 || useradd --create-home --gid passers "$NAME"
home=$(getent passwd "$NAME" | cut -d: -f6)
install -d -m 0700 -o "$NAME" -g passers "$home/.ssh"
echo "$KEY" >"$home/.ssh/authorized_keys"
chown "$NAME:passers" "$home/.ssh/authorized_keys"
chmod 0600 "$home/.ssh/authorized_keys"
