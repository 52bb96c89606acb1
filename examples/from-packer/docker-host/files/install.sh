#!/bin/sh
set -eu
getent group docker >/dev/null || groupadd --system docker
usermod --append --groups docker ec2-user
systemctl daemon-reload
systemctl enable --now docker
