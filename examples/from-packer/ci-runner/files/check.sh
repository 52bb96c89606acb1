#!/bin/sh
set -eu
/opt/runner/bin/runner --version
[ "$(stat -c %U /home/runner/work)" = runner ]
[ "$(systemctl is-enabled runner)" = enabled ]
# A token in the image would register every runner as the same one.
[ ! -e /etc/runner/token ]
