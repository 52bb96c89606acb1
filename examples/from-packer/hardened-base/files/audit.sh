#!/bin/sh
# Prints every rule that does not hold, and fails if there is one.
# The rules are called by name.
# shellcheck disable=SC2317
set -u
broken=0
rule() {
  name=$1
  shift
  "$@" >/dev/null 2>&1 || { echo "broken: $name"; broken=1; }
}
without_password() { ! awk -F: '$2 == "" { print $1 }' /etc/shadow | grep -q .; }
only_root_is_0() { [ "$(awk -F: '$3 == 0 { print $1 }' /etc/passwd)" = root ]; }
mode() { [ "$(stat -c %a "$2")" = "$1" ]; }

rule "root does not log in" grep -qx 'PermitRootLogin no' /etc/ssh/sshd_config.d/10-hardened.conf
rule "no login by password" grep -qx 'PasswordAuthentication no' /etc/ssh/sshd_config.d/10-hardened.conf
rule "no redirects" grep -qx 'net.ipv4.conf.all.accept_redirects = 0' /etc/sysctl.d/60-hardened.conf
rule "changes of users are recorded" grep -q 'identity' /etc/audit/rules.d/60-hardened.rules
rule "settings of sshd are root's" mode 600 /etc/ssh/sshd_config.d/10-hardened.conf
rule "shadow is root's" mode 0 /etc/shadow
rule "jobs are root's" mode 600 /etc/cron.allow
rule "no account without password" without_password
rule "root alone has the id 0" only_root_is_0
# The lab's guests have no sshd.
if command -v sshd >/dev/null; then
  rule "sshd takes its settings" sshd -t
fi
exit "$broken"
