#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a command in the folder of every module of the workspace. All of them run,
# and the exit status tells whether one failed.
set -eu
cd "$(dirname "$0")/.."

dirs=$(GOWORK= go list -m -f '{{.Dir}}')
status=0
for dir in $dirs; do
  (cd "$dir" && "$@") || {
    echo "failed in $dir: $*" >&2
    status=1
  }
done
exit $status
