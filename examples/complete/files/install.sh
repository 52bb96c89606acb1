#!/bin/sh
# Runs once, on the builder, as root. RELEASE comes from the step's environment.
set -eu
mkdir -p /var/lib/board
echo "$RELEASE" >/opt/board/release
echo "board $RELEASE is installed"
