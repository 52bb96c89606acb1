#!/bin/sh
echo "$STAMP_HOSTNAME: slot $STAMP_SLOT of $STAMP_FLEET, ${ROLE:-follower}" >/etc/motd
