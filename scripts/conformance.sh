#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the public test suite for HTTP caches against examples/proxy. It needs
# Node.js; without it this says so, which is an error only where CI=true.
#
# The suite is fetched once, into .conformance. Results and logs are left there.
set -eu
cd "$(dirname "$0")/.."

# "NAME VERSION SHA-512" of the suite, and of the one package that its client needs
# with what that needs in turn. The suite names more, for purposes of its own.
SUITE='
http-cache-tests 0.4.5 0e3bb037d9d46572d35bec1abf52d1112099355c65f12b21c0ecb8cf5a71b966d6b79fdacbab0cf5043595e6c16833ba3f520c0682ba99d7fe3ee54ffd034bf0
node-fetch 2.7.0 7381517d49bf75b71667b53ed56ab40300b214bfb79edd9b130d39c1fc52cfe0d6a56b22b609928189b2d9d41d5b2282d7af7810b3ea32cfd8cd448da332edf0
whatwg-url 5.0.0 b1a139ee7ba9c64eafdc7637e7e8f307061ad2b292cb45d1f094b164fc202ebef2b34201ce11af880d7f4d41892e6495aacf296fd027bc809712e3872e9ad84f
tr46 0.0.3 37758cb2ea95eba953df40ab5cd6c48f1e06130968c37bfaaebe2609cbfaa6b9dfc214b4d6b920c857633cd05877d6ebecba57575f849a1d357c79ead86760af
webidl-conversions 3.0.1 d89027df3f0047aae32bc4a6f28ad10b487f6dc97f0ea2fbb513dd199e08d428dd17e11a30b998c411f25ee28bf38f5eb9c3c586f068c4cb1f95f39bf24c5a79
'
# How many tests that version has for a cache that isn't a browser.
TESTS=329

dir=.conformance
modules=$dir/node_modules

lacking=
for program in node npm; do
  command -v "$program" >/dev/null 2>&1 || lacking="$lacking $program"
done
if [ -n "$lacking" ]; then
  cat >&2 <<END

  ************************************************************
  NOT RUN: the conformance suite. Missing:$lacking
  (on Debian, the packages nodejs and npm)
  ************************************************************

END
  [ "${CI:-}" != true ]
  exit
fi

sha512() {
  if command -v sha512sum >/dev/null 2>&1; then sha512sum "$1"; else shasum -a 512 "$1"; fi | cut -d ' ' -f 1
}

# fetch NAME VERSION SUM unpacks a package without running anything of it.
fetch() {
  tarball=$dir/$1-$2.tgz
  npm pack --silent --ignore-scripts --pack-destination "$dir" "$1@$2" >/dev/null
  if [ "$(sha512 "$tarball")" != "$3" ]; then
    echo "$tarball is not the file that it should be" >&2
    exit 1
  fi
  mkdir -p "$modules/$1"
  tar -xzf "$tarball" -C "$modules/$1" --strip-components 1
  rm "$tarball"
}

# The list is written down last, so that a broken fetch starts again.
if ! echo "$SUITE" | cmp -s - "$dir/complete"; then
  rm -rf "$dir"
  mkdir "$dir"
  echo "$SUITE" | while read -r name version sum; do
    [ -z "$name" ] || fetch "$name" "$version" "$sum"
  done
  echo "$SUITE" >"$dir/complete"
fi

"${GO:-go}" build -o "$dir/bin/" ./examples/proxy ./examples/conformance
exec "$dir/bin/conformance" -suite "$modules/http-cache-tests" -proxy "$dir/bin/proxy" -out "$dir/out" -tests "$TESTS"
