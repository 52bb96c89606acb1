#!/bin/sh
# Runs as the runner's user, in its home.
set -eu
mkdir -p work cache
echo 'RUNNER_WORK=/home/runner/work' >.runner.env
