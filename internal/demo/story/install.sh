#!/bin/sh
set -eu
echo "GREETING='$GREETING'" > /etc/app.conf
chmod 0644 /etc/app.conf
echo "installed on $(uname -s)"
