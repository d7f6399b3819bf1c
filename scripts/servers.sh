#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the servers that the tests start. Each line of SERVERS is a program and
# the Debian package that has it, such as
#
#   redis-server redis-server
#   /usr/lib/postgresql/*/bin/postgres postgresql
#
# Tests start their own servers on ports of their own: nothing needs to run.
set -eu
cd "$(dirname "$0")"

SERVERS='
'

exec ./packages.sh "$SERVERS"
