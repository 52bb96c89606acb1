#!/bin/bash
# It takes statements and is not reachable from outside.
set -eu
exec 3<>/dev/tcp/127.0.0.1/5432
echo 'SELECT 6 * 7' >&3
read -r -t 5 answer <&3
[ "$answer" = 42 ]
# 0100007F:1538 is 127.0.0.1:5432, and the only address that listens on that port.
[ "$(awk '$4 == "0A" && $2 ~ /:1538$/ { print $2 }' /proc/net/tcp)" = 0100007F:1538 ]
