// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

// ledger knows what was purged, and so which versions nobody may serve any more.
type ledger struct {
	// A purge counts in the process that made it at once, in others so long after it was
	// confirmed, or, where it was not, after the journal could be reached again.
	confirmed, unconfirmed time.Duration

	mu    sync.Mutex
	rules map[int][]*rule // by page
}

// rule is one purge of one page.
type rule struct {
	version int       // older ones are purged
	process int       // who made the purge
	made    time.Time // when that process said so
	known   time.Time // since when all others have to know; zero for not yet
}

func newLedger(confirmed, unconfirmed time.Duration) *ledger {
	return &ledger{confirmed: confirmed, unconfirmed: unconfirmed, rules: map[int][]*rule{}}
}

// purged notes that a process has just purged all older versions of these pages.
func (l *ledger) purged(process int, versions map[int]int, confirmed bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for page, version := range versions {
		r := &rule{version: version, process: process, made: now}
		if confirmed {
			r.known = now.Add(l.confirmed)
		}
		l.rules[page] = append(l.rules[page], r)
	}
}

// reachable notes that the journal can be reached again.
func (l *ledger) reachable() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rules := range l.rules {
		for _, r := range rules {
			if r.known.IsZero() {
				r.known = now.Add(l.unconfirmed)
			}
		}
	}
}

// least returns the oldest version of a page with which a process may answer a request that
// began then.
func (l *ledger) least(process, page int, begun time.Time) (version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rules[page] {
		if r.binds(process, begun) {
			version = max(version, r.version)
		}
	}
	return version
}

func (r *rule) binds(process int, begun time.Time) bool {
	if process == r.process && begun.After(r.made) {
		return true
	}
	return !r.known.IsZero() && begun.After(r.known)
}
