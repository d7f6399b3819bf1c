#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: packages.sh LIST
#
# LIST has lines of "PROBE PACKAGE". A package is missing when its probe is neither a
# command nor a path (shell pattern) that exists. What is missing is installed
# as a Debian package, where this runs as root on a Debian system. What is still
# missing then is said aloud, and is an error only where CI=true.
set -eu

present() {
  command -v "$1" >/dev/null 2>&1 && return 0
  for path in $1; do
    [ -e "$path" ] && return 0
  done
  return 1
}

missing() {
  set -f
  echo "$1" | while read -r probe package; do
    [ -z "$probe" ] && continue
    (set +f; present "$probe") || echo "$package"
  done
}

install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of names
  { apt-get update -qq && apt-get install -qq -y --no-install-recommends $1; } </dev/null >&2 || return 0
}

wanted=$(missing "$1")
[ -z "$wanted" ] && exit 0
echo "installing:" $wanted >&2
install "$wanted"

lacking=$(missing "$1")
[ -z "$lacking" ] && exit 0
cat >&2 <<END

  ************************************************************
  MISSING: $(echo $lacking)
  Install these packages (the names are Debian's), or what needs
  them is not tested.
  ************************************************************

END
[ "${CI:-}" != true ]
