#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the servers that the tests start. Each line of SERVERS is a program and
# the Debian package that has it.
#
# Tests start their own servers on ports of their own: nothing needs to run.
set -eu
cd "$(dirname "$0")"

SERVERS='
redis-server redis-server
memcached memcached
/usr/lib/postgresql/*/bin/postgres postgresql
'

exec ./packages.sh "$SERVERS"
