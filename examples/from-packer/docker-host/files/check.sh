#!/bin/sh
# The engine answers, has read its settings, and ec2-user may use it.
set -eu
ask() { curl -fsS --max-time 5 --unix-socket /run/docker.sock "http://localhost$1"; }
[ "$(ask /_ping)" = OK ]
ask /info | grep -q '"LoggingDriver": *"json-file"'
id -nG ec2-user | tr ' ' '\n' | grep -qx docker
