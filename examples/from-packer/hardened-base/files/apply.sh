#!/bin/sh
# What cannot be said by a file of its own.
set -eu
chmod 0600 /etc/ssh/sshd_config.d/10-hardened.conf /etc/audit/rules.d/60-hardened.rules
chmod 0000 /etc/shadow
if [ -f /etc/login.defs ]; then
  sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 365/' /etc/login.defs
fi
echo 'Authorised use only. Sessions are recorded.' >/etc/issue.net
# Nobody but root plans jobs.
rm -f /etc/cron.deny /etc/at.deny
echo root >/etc/cron.allow
chmod 0600 /etc/cron.allow
