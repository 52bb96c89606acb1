#!/bin/sh
# With a network this is "dnf -y install nginx" and a file in /etc/nginx/conf.d; the
# server that every Python brings needs no download.
set -eu
id web >/dev/null 2>&1 || useradd --system --home-dir /srv/www --shell /sbin/nologin web
echo "PORT=$PORT" >/etc/web.env
systemctl daemon-reload
systemctl enable --now web
