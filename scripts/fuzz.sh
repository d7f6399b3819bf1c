#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: fuzz.sh [PATTERN]
#
# Runs the fuzz targets of every package of the workspace, or those whose names
# match the pattern, and prints what each of them did. All of them run, and
# the exit status tells whether one failed; what fails leaves its input in
# testdata/fuzz of its package, where "go test" runs it from then on.
#
#   FUZZTIME  how long each target runs, or how often ("1000x")  [5m]
#   FUZZJOBS  how many targets run at the same time, one CPU each  [1]
set -eu
cd "$(dirname "$0")/.."

go=${GO:-go}

# Prints "PACKAGE TARGET" for every target.
targets() {
  files=$("$go" list -f '{{$p := .}}
{{- range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}
{{- range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}' work)
  echo "$files" | while read -r package file; do
    [ -z "$file" ] || sed -n "s|^func \(Fuzz[[:alnum:]_]*\)(.*|$package \1|p" "$file"
  done
}

# Runs one target. Every input that looks new is made smaller before the next one
# is tried, so the time for that is kept short.
run() {
  if out=$("$go" test -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-5m}" \
    -fuzzminimizetime 2s -parallel 1 "$1" 2>&1) || interrupted "$out"; then
    echo "ok   $1 $2: $(printf '%s\n' "$out" | sed -n 's/^fuzz: //p' | tail -n 1)"
    return 0
  fi
  echo "FAIL $1 $2"
  printf '%s\n' "$out"
  return 1
}

# Go reports a failure, too, where the time was over in the midst of an input.
interrupted() {
  printf '%s\n' "$1" | grep -qx ' *context deadline exceeded' &&
    ! printf '%s\n' "$1" | grep -q 'Failing input written'
}

if [ "${1:-}" = -run ]; then
  run "$2" "$3"
  exit
fi
all=$(targets)
list=$(echo "$all" | sort | grep -E " .*${1:-}") || { echo "no fuzz target matches: ${1:-}" >&2; exit 1; }
echo "$list" | xargs -n 2 -P "${FUZZJOBS:-1}" "scripts/$(basename "$0")" -run
