// SPDX-License-Identifier: MIT

package marks

import (
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

// Shared is what this process has read of a journal that several processes share. It
// decides about responses that another process has made, or this one before it was
// started; the table decides about its own.
type Shared struct {
	table   *Table
	read    atomic.Pointer[reading] // nil until the journal was read to its end once
	contact atomic.Int64            // when it last was, since the table was made; 0 for never
	lacking *lacking                // what it doesn't have and this process knows
	writers writers
	said    time.Duration // when this process's presence was read, 0 for not; needs the table's lock
	bit     journals      // that stands for it
	delay   time.Duration // before this process writes what others have made

	// floor is the position up to which a response that names this journal may have been
	// purged by marks that were lost with another one; 0 for none.
	floor     atomic.Uint64
	floorFrom atomic.Int64 // when that was

	back  time.Duration // since when it is read without a failure, 0 for not; needs the table's lock
	tried atomic.Bool   // see Tried

	// Of the goroutine that reads:
	next    *reading // read in part
	renewed bool     // because it was a copy
	covered bool     // another journal had what was lost the last time
	broken  [16]byte // the epoch that was found to be set back
}

// reading is one life of a journal, from the mark behind base on.
type reading struct {
	epoch      [16]byte
	base       uint64 // what knows less may have been purged by marks that are gone
	position   atomic.Uint64
	hard, soft sort
	last       store.Mark // at position; of the goroutine that reads

	// ahead is the largest position that a response named. It may lie ahead of what was
	// read, for the moment that this takes.
	ahead atomic.Uint64
}

// note is told of a position that a response names.
func (r *reading) note(seq uint64) {
	for {
		ahead := r.ahead.Load()
		if seq <= ahead || r.ahead.CompareAndSwap(ahead, seq) {
			return
		}
	}
}

// Position returns how far the journal has been read, the zero Position for not at all.
// The next page is read from there on. It is for the goroutine that reads.
func (s *Shared) Position() store.Position {
	if s.next != nil {
		return store.Position{Epoch: s.next.epoch, Seq: s.next.position.Load()}
	}
	if r := s.read.Load(); r != nil {
		return store.Position{Epoch: r.epoch, Seq: r.position.Load()}
	}
	return store.Position{}
}

// Begin returns what Apply wants to know about a page: it is called before that is read.
func (s *Shared) Begin() Began {
	b := Began{at: s.table.elapsed()}
	if r := s.read.Load(); r != nil {
		b.epoch, b.ahead = r.epoch, r.ahead.Load()
	}
	return b
}

// Began is what was known before a page was read.
type Began struct {
	at    time.Duration
	epoch [16]byte
	ahead uint64 // a response named this position, so that the journal must have it
}

// Outcome is what became of a page.
type Outcome uint8

const (
	// Applied: the page goes on where the reading ended.
	Applied Outcome = iota
	// Lost: it doesn't, so that marks are gone which nobody here has read.
	Lost
	// SetBack: the journal has another mark where the reading ended, or none. It
	// must be renewed, since its numbers don't mean what they meant.
	SetBack
)

// Apply adds a page that was read from Position on. One goroutine at a time applies pages.
func (s *Shared) Apply(page store.JournalPage, began Began) Outcome {
	if s.broken != [16]byte{} && page.Epoch == s.broken {
		return SetBack // still: it was doubted then
	}
	r := s.current()
	outcome := r.compare(page)
	if !page.More && page.Epoch == began.epoch && page.Position().Seq < began.ahead {
		outcome = SetBack
	}
	if s.copied(page) {
		outcome = SetBack
	}
	if s.lacking.over.Load() { // it would take too long to write what it lacks
		outcome = SetBack
	}
	switch {
	case outcome == SetBack:
		s.doubt(page.Epoch)
		return outcome
	case outcome == Lost, r == nil:
		s.doubt([16]byte{})
		r = &reading{epoch: page.Epoch, base: page.Base}
		r.position.Store(page.Base)
		s.next = r
	}
	known := r.position.Load()
	for i, m := range page.Marks {
		if seq := page.Base + uint64(i) + 1; seq > known {
			s.table.add(s, r, m, seq)
			r.last = m
		}
	}
	if !page.More {
		if s.next != nil {
			s.read.Store(r)
			s.next = nil
		}
		s.contact.Store(int64(began.at))
		s.reached(began.at)
		s.setFloor(began.at, r.position.Load())
		s.Tried()
	}
	return outcome
}

// Tried is told that the first attempt to read the journal has ended, or that there is no
// time to wait for that. Further calls do nothing.
func (s *Shared) Tried() {
	if s.tried.CompareAndSwap(false, true) {
		s.table.untried.Add(-1)
	}
}

// OutOfReach is told that an attempt to read the journal has failed.
func (s *Shared) OutOfReach() { s.reached(0) }

func (s *Shared) reached(since time.Duration) {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if since == 0 || s.back == 0 {
		s.back = since
	}
}

// doubt: marks may be gone that nobody here has read, those of a first reading included. So
// what is stored is used after validation only. broken is the epoch of a journal that was
// set back; until that is renewed nothing of it is read.
func (s *Shared) doubt(broken [16]byte) {
	s.broken = broken
	s.next = nil
	if s.floor.Load() != 0 { // its numbers begin anew
		s.floor.Store(unset)
		s.floorFrom.Store(int64(s.table.elapsed()))
	}
	s.read.Store(nil) // first: what is judged from now on names no journal that is known
	s.table.forget(s)
	if s.covered = s.coveredByOthers(); s.covered {
		return
	}
	for _, other := range s.table.shared {
		if other != s && s.contact.Load() != 0 { // else it is read for the first time
			other.floor.Store(unset)
			other.floorFrom.Store(int64(s.table.elapsed()))
		}
	}
	s.table.doubt()
}

// compare tells how a page goes on from what was read.
func (r *reading) compare(page store.JournalPage) Outcome {
	if r == nil {
		return Applied
	}
	position := r.position.Load()
	switch {
	case page.Epoch != r.epoch, page.Base > 0 && page.Base >= position:
		return Lost
	case position == 0, position == r.base && r.last == (store.Mark{}): // nothing was read yet
		return Applied
	case page.Base+1 != position, len(page.Marks) == 0, page.Marks[0] != r.last:
		return SetBack
	}
	return Applied
}

func (s *Shared) current() *reading {
	if s.next != nil {
		return s.next
	}
	return s.read.Load()
}

// entry returns what the journal says of a response that knew it up to asOf.
func (r *reading) entry(e *store.Entry, asOf uint64) Verdict {
	switch position := r.position.Load(); {
	case asOf < r.base:
		return Unsure
	case asOf > position: // the journal has that, or had it before it was set back
		return Unsure
	case asOf == position:
		return Unpurged
	case r.hard.behindEntry(e, asOf):
		return Hard
	case r.soft.behindEntry(e, asOf):
		return Soft
	}
	return Unpurged
}
