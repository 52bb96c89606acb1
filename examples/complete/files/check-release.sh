#!/bin/sh
# Runs on the builder before the capture, and again on a fresh server of the image.
set -eu
installed=$(cat /opt/board/release)
echo "release $installed is installed, $RELEASE is wanted"
[ "$installed" = "$RELEASE" ]
