#!/bin/sh
set -eu
useradd --system --home-dir /var/cache/edge --shell /sbin/nologin edge
install -d -m 0750 -o edge -g edge /var/cache/edge
