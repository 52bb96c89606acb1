# shellcheck shell=sh
umask 027
readonly TMOUT=900
export TMOUT
