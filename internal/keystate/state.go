// SPDX-License-Identifier: MIT

package keystate

import (
	"math"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
)

// State is what was learned about a key. The zero value knows nothing.
type State struct {
	// Backoff is the key's part in asking the origin again.
	Backoff backoff.Key
	// LastSize is the length of the last body in bytes; 0 or less where it is
	// not known.
	LastSize int64
	// LastFetch is how long the last complete fetch took; 0 where none did.
	LastFetch time.Duration
	// Usual is how long a fetch usually takes. It grows at most twofold with each, so that one
	// that took very long doesn't make all who come next wait as long, and an origin
	// that has become slower is known after some; and falls by an eighth at most: a quick one
	// now and then says little about the next.
	Usual time.Duration
	// Attempts is how often in a row an attempt ended for want of time: the
	// next one gets twice as long for each.
	Attempts uint8
	// VaryHint names the request fields that selected among the variants last,
	// nil where that is not known. Replace it, never modify it: copies of the
	// state share it.
	VaryHint []string
	// Record is what this process last stored of how the responses vary.
	Record Record
	// Part tells of which representation this process saw a part in the store; 0 of none.
	Part uint64
	// Refused is why the last response was not stored, "" where it was.
	Refused string
	// Stored says that the last response was stored, though it may not have been
	// for all who waited for it.
	Stored bool
	// Repeated is the status that came Repeats times in a row, 0 for none that counts.
	Repeated int
	Repeats  uint8
	// Doubted says that the last final answer was that the page is no more, though perhaps for
	// the credentials of one asker alone.
	Doubted bool
	// Denied says that the last final answer was a denial (401, 403).
	Denied bool

	verdicts [classes]verdict
}

// Took notes how long a complete fetch took.
func (s *State) Took(d time.Duration) {
	s.Usual = usual(s.Usual, d)
	s.LastFetch = d
}

// TookAtLeast notes a time that says the least that a fetch takes: how long it took to learn that the
// stored response is still good, or until a fetch was given up that had been answered.
func (s *State) TookAtLeast(d time.Duration) {
	if d > s.Usual {
		s.Usual = usual(s.Usual, d)
	}
	s.LastFetch = max(s.LastFetch*7/8, d)
}

func usual(before, took time.Duration) time.Duration {
	const least = 100 * time.Millisecond // so small that it would take many steps to grow
	if before == 0 {
		return took
	}
	return max(min(took, max(2*before, least)), before*7/8)
}

// Repeat notes a status. One that doesn't count ends the row.
func (s *State) Repeat(status int, counts bool) {
	switch {
	case !counts:
		s.Repeated, s.Repeats = 0, 0
	case s.Repeated != status:
		s.Repeated, s.Repeats = status, 1
	case s.Repeats < math.MaxUint8:
		s.Repeats++
	}
}

// Record is a vary record as far as it ties variants together: flights that end at
// once must agree on it. Names is never modified.
type Record struct {
	Names      []string
	Generation uint64
}

// Class is the credentials that a request carried.
type Class uint8

const (
	ClassNone          Class = iota // neither Cookie nor Authorization
	ClassCookie                     // Cookie
	ClassAuthorization              // Authorization, with or without Cookie

	classes = 3
)

// A verdict "not shareable" holds for firstVerdict, and twice as long each time
// that it turns out right again, up to longestVerdict.
const (
	firstVerdict   = 5 * time.Second
	longestVerdict = 2 * time.Minute

	// A response that could be shared outweighs others that couldn't: for its lifetime,
	// from leastShared to mostShared.
	leastShared = 10 * time.Minute
	mostShared  = 24 * time.Hour

	// … and not after so many different askers in a row got one that couldn't be shared: then
	// the page isn't any more what it was.
	maxAlone = 16

	// maxSkew is how far ahead of now the end of a verdict may lie beyond its
	// length; further ahead means that the clock was set back.
	maxSkew = 5 * time.Second
)

// verdict says until when requests of one class go straight to the origin
// instead of waiting for a response that they can't share.
type verdict struct {
	until int64 // Unix nanoseconds, 0 = none was given
	step  uint8 // how often it was given in a row

	shared int64 // until then, it is not given: others could share
	alone  uint8 // answers since then that nobody could share
}

func (v *verdict) holds(now int64) bool { return ahead(v.until, now, longestVerdict) }

// ahead reports whether an instant lies ahead, and not further than it can.
func ahead(instant, now int64, furthest time.Duration) bool {
	left := instant - now
	return left > 0 && left <= int64(furthest+maxSkew)
}

// lengthOf returns how long a verdict holds that was given so often before.
func (v *verdict) lengthOf(step uint8) time.Duration {
	if step >= 5 { // 5 s doubled five times is more than the longest
		return longestVerdict
	}
	return firstVerdict << step
}

// NotShareable notes at the instant now, in Unix nanoseconds, that a response to
// a request of class c may not answer others. While an earlier verdict holds,
// one more prolongs it: requests that went straight through say that it is still
// right. Only one given after the earlier one ended doubles its length.
//
// another says that the asker isn't one of those who got one before.
//
// Nobody can keep others from sharing with credentials of his own making: other classes
// are not touched, and where others of the class could share, nothing is noted. False
// says so: it counts for his own requests alone, see [Own], until many different askers in a
// row have got one.
func (s *State) NotShareable(c Class, another bool, now int64) bool {
	v := s.verdict(c)
	if s.Shared(c, now) {
		if another {
			v.alone++
		}
		if v.alone < maxAlone {
			return false
		}
		v.shared = 0
	}
	s.Outgrown(c, now)
	return true
}

// Outgrown notes that a response for all of class c was too large to be shared.
func (s *State) Outgrown(c Class, now int64) {
	v := s.verdict(c)
	if v.holds(now) {
		v.until = max(v.until, now+int64(v.lengthOf(v.step-1)))
		return
	}
	v.until = now + int64(v.lengthOf(v.step))
	v.step = min(v.step+1, 5)
}

// MayShare reports whether a request of class c may wait for a response to
// share: no verdict holds against it.
func (s *State) MayShare(c Class, now int64) bool { return !s.verdict(c).holds(now) }

// Shared reports whether a response to a request of class c could be shared not long ago.
func (s *State) Shared(c Class, now int64) bool { return ahead(s.verdict(c).shared, now, mostShared) }

// SharedByAny reports that for requests of any class.
func (s *State) SharedByAny(now int64) bool {
	for c := range Class(classes) {
		if s.Shared(c, now) {
			return true
		}
	}
	return false
}

// Shareable notes that a response to a request of class c may answer others, and for
// how long it is fresh.
func (s *State) Shareable(c Class, fresh time.Duration, now int64) {
	v := s.verdict(c)
	v.until, v.step, v.alone = 0, 0, 0
	v.shared = now + int64(min(max(fresh, leastShared), mostShared))
}

// verdict takes a class that it doesn't know for the most guarded one.
func (s *State) verdict(c Class) *verdict { return &s.verdicts[min(c, classes-1)] }
