// SPDX-License-Identifier: MIT

package holdover

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/flight"
)

// maxScopes bounds the named scopes that a mount remembers.
const maxScopes = 4096

// scope is one origin as the back-off sees it: by default a mount.
type scope struct {
	mu          sync.Mutex
	state       backoff.Scope
	failingFrom int64  // begin of the outage: the first failure since the last success
	failedFrom  int64  // when the latest fetch that failed in it began
	succeededAt int64  // when the origin last answered
	probedAt    int64  // see mayProbe
	fault       Reason // the last failure's

	line line           // guarded by Cache.turns
	lone *flight.Flight // guarded by the group of flights: see free
}

// free reports whether a fetch may begin although too many handlers have outlived theirs, perhaps
// those of another scope: one at a time may in each, so that an origin that is well, or is
// again, is asked.
func (s *scope) free() bool {
	if s.lone == nil {
		return true
	}
	select {
	case <-s.lone.Returned():
		s.lone = nil
		return true
	default:
		return false
	}
}

// scopeIDs numbers the scopes of the process: those of two mounts may share keys.
var scopeIDs atomic.Uint64

func newScope() *scope { return &scope{state: backoff.Scope{ID: scopeIDs.Add(1)}} }

// scopes are the scopes of one mount.
type scopes struct {
	own *scope

	mu    sync.Mutex
	named *simplelru.LRU[string, *scope]
}

func (s *scopes) get(name string) *scope {
	if name == "" {
		return s.own
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named, _ = simplelru.NewLRU[string, *scope](maxScopes, nil) // fails only for sizes below 1
	}
	sc, known := s.named.Get(name)
	if !known {
		s.makeRoom()
		sc = newScope()
		s.named.Add(strings.Clone(name), sc) // it may be a part of a whole header
	}
	return sc
}

// makeRoom lets a scope be forgotten that has nothing to remember, rather than one that fails or
// has spent its budget: else who invents names could end its rest.
func (s *scopes) makeRoom() {
	now := time.Now().UnixNano()
	for range triedScopes {
		name, oldest, any := s.named.GetOldest()
		if !any || s.named.Len() < maxScopes || oldest.idle(now) {
			return
		}
		s.named.Get(name) // it becomes the newest
	}
}

// triedScopes is how many scopes are looked at to find one to forget.
const triedScopes = 64

// idle reports whether nothing would be lost with the scope.
func (s *scope) idle(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failingFrom == 0 && s.state.Idle(now)
}

// step applies an event to the scope and to the key, whose state the caller has
// locked.
func (s *scope) step(cfg backoff.Config, k *backoff.Key, e backoff.Event, fault Reason, now int64) backoff.Permission {
	if e.Kind == backoff.Failed {
		e.Random = rand.Float64()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Kind == backoff.Failed && !e.Local {
		s.fault = fault
	}
	switch {
	case e.Kind == backoff.Succeeded && s.failingFrom != 0 && e.Answered < s.failedFrom && s.failedFrom <= now:
		// It answered before it failed.
	case e.Kind == backoff.Succeeded:
		s.failingFrom, s.failedFrom = 0, 0
		if s.succeededAt < e.Answered || s.succeededAt > now { // ahead: the clock was set back
			s.succeededAt = e.Answered
		}
	case e.Kind == backoff.Failed && e.Started >= s.succeededAt:
		s.failedFrom = max(s.failedFrom, e.Started)
		if s.failingFrom == 0 {
			s.failingFrom = now
		}
	}
	return backoff.Step(cfg, &s.state, k, e, now)
}

// outage returns when the present outage began, 0 for none.
func (s *scope) outage() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failingFrom
}

// mayProbe reports, once a second, that a request may find out without a fetch how the origin is.
func (s *scope) mayProbe(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ago := now - s.probedAt; ago >= 0 && ago < int64(time.Second) {
		return false
	}
	s.probedAt = now
	return true
}

// lastFault returns how the last failed fetch failed.
func (s *scope) lastFault() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// recoveredSince reports whether a success ended a failing after the instant.
func (s *scope) recoveredSince(instant int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.RecoveredAt() > instant
}

// lastSuccess returns when a fetch last succeeded.
func (s *scope) lastSuccess() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.succeededAt
}

// attemptTime is how long a fetch may take while a stored copy waits in its place:
// four times the last complete one, between a second and the hard timeout, and
// twice as long for each attempt before that ended so.
func attemptTime(last time.Duration, attempts uint8, hard time.Duration) time.Duration {
	d := max(4*last, time.Second)
	for range min(attempts, 16) {
		d = min(2*d, hard)
	}
	return min(d, hard)
}

// softTime is how long a request with a usable copy waits: not long where it would wait in
// vain, since the last fetch took longer still.
func (p *rules) softTime(usual, last time.Duration) time.Duration {
	if p.softTimeout != 0 {
		return p.softTimeout
	}
	d := min(max(minSoftTimeout, 2*usual), maxSoftTimeout)
	if last > d {
		return minSoftTimeout
	}
	return d
}
