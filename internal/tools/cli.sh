#!/bin/sh
# Prints the path of the Terraform or OpenTofu to work with: STAMP_CLI if it is set,
# else the one on PATH, else an OpenTofu built from the Go module proxy, which takes a
# few minutes once.
set -eu

if [ -n "${STAMP_CLI:-}" ]; then
  command -v "$STAMP_CLI" && exit 0
  echo "STAMP_CLI=$STAMP_CLI is not a program" >&2
  exit 1
fi
for cli in terraform tofu; do
  if command -v "$cli"; then exit 0; fi
done

root=$(cd "$(dirname "$0")/../.." && pwd)
make -C "$root" --no-print-directory tofu >&2
echo "$root/.cache/bin/tofu"
