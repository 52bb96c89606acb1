#!/bin/sh
set -eu
useradd --system --home-dir /var/lib/database --shell /sbin/nologin database
install -d -m 0750 -o database -g database /var/lib/database
systemctl daemon-reload
systemctl enable --now database
