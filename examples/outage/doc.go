// SPDX-License-Identifier: MIT

// Package outage measures what clients notice of an outage. Its tests start
// examples/proxy without any policy flag in front of an origin that works, then
// answers 503, hangs, resets connections, breaks off bodies or can't be reached,
// and load it over real connections. From the repository's root,
//
//	go test -v -run TestOutage ./examples/outage -phase 10s
//
// plays each phase for ten seconds and prints a table for each number of keys.
// Without -phase the phases are shorter.
package outage
