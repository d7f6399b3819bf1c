// SPDX-License-Identifier: MIT

// Package backoff decides when an origin may be asked again. One pure step
// function owns the back-off per key, the trickle of probes while an origin scope
// fails, the budgets of fetches, and Retry-After (RFC 9110 §10.2.3). It has no
// clock, no lock and no goroutine: the caller guards the state and says what time
// it is.
//
// A key without a servable copy is always fetched; somebody waits for it and
// there is nothing else to serve. All rules are about keys that have one.
//
//   - A key that failed rests, twice as long after each failure in a row.
//   - A scope fails after some failures in a row, until its next success. While
//     it does, its keys share a trickle of probes in place of their own rests.
//   - A success clears its key. It tells how the origin was when the header came: that a
//     long body ends, which began before the failures, doesn't end the failing of its scope.
//   - A success that ends the failing of a scope clears all
//     keys of the scope, Retry-After included: that told how long the service
//     was expected to be away, and it is back.
//   - Failures that all belong to one asker's credentials stand in the way of nobody else's
//     fetch: until another has failed, they may be his own.
//   - A fetch that neither succeeds nor fails leaves nothing behind but the
//     instant when it was allowed.
package backoff

import "time"

// Kind says what happened.
type Kind uint8

const (
	// Ask asks for permission to fetch. A permission that is given counts as used.
	Ask Kind = iota
	// Look asks the same for a request that may still find a fetch under way: nothing
	// is used.
	Look
	// Succeeded reports a fetch that brought an answer of the origin.
	Succeeded
	// Failed reports a fetch that failed or was throttled, also one that ran
	// out of time; not one that was cancelled because its client left.
	Failed
)

// Event is one thing that happened to a key.
type Event struct {
	Kind       Kind
	Key        uint64        // hash of the key; tells the keys of a scope apart
	HasCopy    bool          // there is a stored response to serve instead
	Background bool          // no client waits for this fetch
	Asker      uint64        // whose credentials it goes with, 0 for none; Failed: 0 also where that made no difference
	Again      bool          // beside another fetch of the key: what that one asks is enough
	Started    int64         // Succeeded, Failed: when the fetch began, in Unix nanoseconds
	Answered   int64         // Succeeded: when the final header came; 0 = just now
	Local      bool          // Failed: it tells of this key alone and nothing of the origin
	RetryAfter time.Duration // Failed: what the response asked for, 0 for none
	Random     float64       // Failed: a random number in [0, 1) for the jitter
}

// Reason says what stands against a fetch.
type Reason uint8

const (
	Allowed      Reason = iota // nothing
	KeyBackOff                 // the key rests after a failure
	ScopeTrickle               // the scope fails; the next probe is not yet due
	RetryAfter                 // the origin asked for a pause
	Budget                     // the scope fetches enough already
)

var reasons = [...]string{"allowed", "key-back-off", "scope-trickle", "retry-after", "budget"}

// String returns a short name.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "unknown"
}

// Permission is the answer to an event.
type Permission struct {
	Fetch     bool   // the fetch may start
	NotBefore int64  // where it may not: the earliest instant worth asking again
	Reason    Reason // where it may not: what holds longest
	Failing   bool   // whether the scope fails
}

// Step applies an event at the instant now, in Unix nanoseconds, to a key and
// its scope. Asked, it says whether the fetch may start, and where it may, takes
// the probe or the share of a budget that it uses. Of the other events it
// returns what an Ask would be told; nothing is taken.
//
// Wherever now runs back a little, rules hold a little longer; an instant that
// lies implausibly far ahead, since the clock was set back, counts as never.
func Step(cfg Config, s *Scope, k *Key, e Event, now int64) Permission {
	k.catchUp(s)
	switch e.Kind {
	case Succeeded:
		s.succeed(e, now)
		k.succeed(s, now)
	case Failed:
		k.fail(cfg, s, e, now)
		if !e.Local {
			s.fail(cfg, e, now)
		}
	case Ask, Look:
		return s.ask(cfg, k, e, now)
	}
	return s.judge(cfg, k, e, now)
}

// ask judges, and settles what the verdict costs. Whoever only looks was asked for all the
// same, and is put off.
func (s *Scope) ask(cfg Config, k *Key, e Event, now int64) Permission {
	if e.HasCopy {
		s.trickle.note(cfg, e.Key, now)
	}
	p := s.judge(cfg, k, e, now)
	if !p.Fetch {
		if p.Reason == ScopeTrickle {
			s.trickle.putOff(cfg, k, now)
		}
		return p
	}
	if e.Kind == Look {
		return p
	}
	k.FetchedAt = now
	if e.HasCopy {
		s.budget.take(cfg.budget(e), now)
		if s.failing && !e.spared(s.asker) {
			s.trickle.grant(now)
		}
	}
	return p
}

// judge says what stands against a fetch, and changes nothing.
func (s *Scope) judge(cfg Config, k *Key, e Event, now int64) Permission {
	p := Permission{Failing: s.failing}
	if e.HasCopy {
		his := e.spared(k.Asker)
		if !his {
			p.wait(until(k.RetryAt, now, MaxRetryAfter), RetryAfter, now)
		}
		switch {
		case s.failing && !e.spared(s.asker):
			p.wait(s.trickle.next(cfg, k, now), ScopeTrickle, now)
		case !s.failing && !his:
			p.wait(until(k.NotBefore, now, cfg.longestRest()), KeyBackOff, now)
		}
		p.wait(s.budget.next(cfg.budget(e), now), Budget, now)
	}
	p.Fetch = p.Reason == Allowed
	return p
}

// wait adds something that stands against the fetch until an instant.
func (p *Permission) wait(until int64, reason Reason, now int64) {
	if until > now && until > p.NotBefore {
		p.NotBefore, p.Reason = until, reason
	}
}
