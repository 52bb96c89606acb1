#!/bin/sh
# Each person has one key that ssh understands, and no way to become root.
set -eu
for name in $PEOPLE; do
  keys=$(eval echo "~$name")/.ssh/authorized_keys
  [ "$(stat -c '%U %a' "$keys")" = "$name 600" ]
  [ "$(ssh-keygen -l -f "$keys" | wc -l)" -eq 1 ]
  if id -nG "$name" | grep -Eqw 'wheel|sudo|adm'; then
    echo "$name could become root"
    exit 1
  fi
done
grep -qx '  PermitTTY no' /etc/ssh/sshd_config.d/20-bastion.conf
