#!/bin/sh
set -eu
dnf -y install nginx
cat >/etc/nginx/conf.d/web.conf <<CONF
server {
  listen $PORT default_server;
  root /usr/share/nginx/html;
  location = /health { return 200 "ok\n"; }
}
CONF
systemctl enable --now nginx
