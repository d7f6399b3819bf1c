#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fails when a Go file isn't formatted, and names it.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] && exit 0
echo "not formatted (run gofmt -w):" >&2
echo "$unformatted" >&2
exit 1
