// SPDX-License-Identifier: MIT

package backoff

// Key is what is remembered about one key. The zero value is a healthy key. It
// is small, because it stands in a table of many. Instants are Unix times in
// nanoseconds, 0 for never.
type Key struct {
	Failures    uint16 // in a row
	NotBefore   int64  // end of its rest
	RetryAt     int64  // end of what Retry-After asked for
	FetchedAt   int64  // when a fetch was last allowed
	SucceededAt int64  // when a fetch last succeeded
	Asker       uint64 // who alone has seen its failures, 0 for several or anybody
	Scope       uint64 // the scope in which it last failed or succeeded
	RecoveredIn uint64 // that scope's count of recoveries then
}

// Scope is what is remembered about one origin scope. The zero value is a
// healthy scope. It is a plain value of bounded size; copies share nothing.
type Scope struct {
	ID          uint64 // tells it from others that share keys with it
	failing     bool
	failures    int    // in a row, up to FailAfter
	asker       uint64 // who alone has seen them, 0 for several or anybody
	failedFrom  int64  // when the latest fetch of these began
	succeededAt int64  // when the origin last answered
	recoveredAt int64  // when a success last ended the failing
	recoveries  uint64 // how often that happened
	trickle     trickle
	budget      bucket
}

// Failing reports whether the scope fails: there were FailAfter failures in a
// row and no success since.
func (s *Scope) Failing() bool { return s.failing }

// Idle reports whether the scope has nothing to remember: no failures, and a full budget.
func (s *Scope) Idle(now int64) bool { return s.failures == 0 && int64(s.budget) <= now }

// RecoveredAt returns when a success last ended the failing, in Unix
// nanoseconds, 0 for never. A fetch that began before and still hangs is one
// that the failing origin may have swallowed.
func (s *Scope) RecoveredAt() int64 { return s.recoveredAt }

// catchUp clears a key whose scope recovered since it last failed there. That is
// how one success reaches all keys of a scope without visiting them. What a key owes to
// another scope is not this one's to clear.
func (k *Key) catchUp(s *Scope) {
	if k.Scope == s.ID && k.RecoveredIn != s.recoveries {
		k.Failures, k.NotBefore, k.RetryAt = 0, 0, 0
		k.seen(s)
	}
}

func (k *Key) seen(s *Scope) { k.Scope, k.RecoveredIn = s.ID, s.recoveries }

func (k *Key) succeed(s *Scope, now int64) {
	*k = Key{FetchedAt: k.FetchedAt, SucceededAt: now}
	k.seen(s)
}

// fail counts a failure of the key, unless its fetch began before something that
// cleared the key: then it tells of an origin that meanwhile came back.
func (k *Key) fail(cfg Config, s *Scope, e Event, now int64) {
	if before(e.Started, s.recoveredAt, now) || before(e.Started, k.SucceededAt, now) {
		return
	}
	k.seen(s)
	k.Asker = sameAsker(k.Failures > 0, k.Asker, e.Asker)
	if k.Failures++; k.Failures == 0 {
		k.Failures-- // it would have overflowed
	}
	k.NotBefore = now + int64(cfg.rest(k.Failures, e.Random))
	if e.RetryAfter > 0 {
		k.RetryAt = now + int64(min(e.RetryAfter, MaxRetryAfter))
	}
}

// sameAsker returns who alone has seen all failures of a row, with one more.
func sameAsker(row bool, before, now uint64) uint64 {
	if row && before != now {
		return 0
	}
	return now
}

// spared reports whether failures that only asker has seen stand in nobody else's way. What an
// origin answers to one user's credentials may be his own, and another's success clears it, as
// another's failure confirms it.
func (e *Event) spared(asker uint64) bool { return asker != 0 && asker != e.Asker && !e.Again }

// succeed ends a row of failures, unless one of these began after the origin answered.
func (s *Scope) succeed(e Event, now int64) {
	answered := now
	if e.Answered != 0 {
		answered = min(e.Answered, now)
	}
	if s.failures > 0 && before(answered, s.failedFrom, now) {
		return
	}
	if s.failing {
		s.failing = false
		s.recoveries++
		s.recoveredAt = now
	}
	s.failures = 0
	if !before(answered, s.succeededAt, now) {
		s.succeededAt = answered
	}
}

// fail counts a failure of the scope, unless its fetch began before the last
// success: fetches that hung while the origin was away say nothing about now.
func (s *Scope) fail(cfg Config, e Event, now int64) {
	if cfg.FailAfter < 0 || before(e.Started, s.succeededAt, now) {
		return
	}
	if s.failures == 0 || s.failedFrom > now || e.Started > s.failedFrom {
		s.failedFrom = e.Started
	}
	s.asker = sameAsker(s.failures > 0, s.asker, e.Asker)
	s.failures = min(s.failures+1, cfg.FailAfter)
	s.failing = s.failures >= cfg.FailAfter
}
