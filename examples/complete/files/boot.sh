#!/bin/sh
# Runs at the first boot of every server. STAMP_FLEET, STAMP_SLOT and STAMP_HOSTNAME are
# set by the fleet, ROLE by the slot's overrides where there is one.
set -eu
/opt/board/bin/post "slot $STAMP_SLOT of $STAMP_FLEET is up as ${ROLE:-follower}"
