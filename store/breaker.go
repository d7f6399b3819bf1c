// SPDX-License-Identifier: MIT

package store

import (
	"math/bits"
	"sync/atomic"
)

// State is how a Failover uses one of its members.
type State uint8

const (
	// Closed: the member is used.
	Closed State = iota
	// Open: it failed and isn't asked.
	Open
	// Probing: it isn't asked, except just now for a trial behind the callers.
	Probing
	// Merging: it answers again, and is asked once its journal was read, or where no
	// other member is left.
	Merging
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case Probing:
		return "probing"
	case Merging:
		return "merging"
	}
	return "unknown"
}

const (
	maxRun     = 3  // strikes in a row that open a breaker
	maxStrikes = 16 // among the last 32 outcomes
)

// breaker decides by the outcomes of calls whether a store is used. Those of reads and of
// writes are counted apart: a store that is full fails only one of them.
//
// While it is closed nobody takes a lock, and an outcome like those before changes nothing.
type breaker struct {
	word          atomic.Uint64 // a ticket
	reads, writes window
}

// ticket is a breaker at one moment: the state, whether writes opened it, and a generation
// that moves with every change, so that what a call meets that began before one is told apart.
type ticket uint64

func newTicket(s State, byWrites bool, generation uint32) ticket {
	t := ticket(generation)<<3 | ticket(s)
	if byWrites {
		t |= 1 << 2
	}
	return t
}

func (t ticket) state() State       { return State(t & 3) }
func (t ticket) byWrites() bool     { return t&(1<<2) != 0 }
func (t ticket) generation() uint32 { return uint32(t >> 3) }
func (t ticket) used() bool         { return t.state() == Closed || t.state() == Merging }

func (b *breaker) now() ticket { return ticket(b.word.Load()) }

// enter changes the state. Outcomes of before count no more, except from a member that was
// used before the merge of its journal. One caller at a time.
func (b *breaker) enter(to State, byWrites bool) {
	was := b.now()
	generation := was.generation() + 1
	if was.state() == Merging && to == Closed {
		generation--
	}
	b.word.Store(uint64(newTicket(to, byWrites, generation)))
}

// window is a shift register of the last 32 outcomes, 1 for a strike, below the generation
// that they belong to.
type window struct{ word atomic.Uint64 }

// add notes the outcome of a call that began with that ticket, and reports whether it is one
// strike too many. What belongs to an earlier generation is dropped.
func (w *window) add(t ticket, strike bool) (tripped bool) {
	for {
		was := w.word.Load()
		outcomes := uint32(was)
		switch ahead := int32(t.generation() - uint32(was>>32)); {
		case ahead < 0:
			return false
		case ahead > 0:
			outcomes = 0
		}
		outcomes <<= 1
		if strike {
			outcomes |= 1
		}
		now := uint64(t.generation())<<32 | uint64(outcomes)
		if now == was || w.word.CompareAndSwap(was, now) {
			return strike && tooMany(outcomes)
		}
	}
}

func tooMany(outcomes uint32) bool {
	const run = 1<<maxRun - 1
	return outcomes&run == run || bits.OnesCount32(outcomes) >= maxStrikes
}
