#!/bin/sh
set -eu
echo "$SUM  /var/cache/runner.tar.gz" | sha256sum --check --quiet
mkdir -p /opt/runner /etc/runner
tar -xzf /var/cache/runner.tar.gz -C /opt/runner
rm /var/cache/runner.tar.gz
useradd --create-home runner
systemctl daemon-reload
systemctl enable runner
