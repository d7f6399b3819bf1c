// SPDX-License-Identifier: MIT

// Package marks holds the purges that a process knows. A purge is a mark: a
// position in a journal, noted under the hash of a URL or of a tag. A stored
// response names the position up to which its fetch knew the journal; marks that
// match it and lie behind that position purge it. So neither the number of
// responses that a mark matches nor clocks play a part.
//
// Marks stand in fixed arrays of positions addressed by hash, like a Bloom filter
// that counts upwards in time: a mark raises k cells, and a response is purged if
// all k cells of a hash lie behind it. Memory is constant, marks don't expire, and
// a collision purges too much, never too little.
package marks

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

// All is the hash of the mark that matches every response.
const All = ^uint64(0)

// Table is the marks of one process and their journal, a counter. It is safe for
// concurrent use.
type Table struct {
	epoch    [16]byte
	position atomic.Uint64

	mu         sync.Mutex // serialises marks
	hard, soft sort
	doubted    atomic.Uint64 // what knows less may have been purged by marks that were lost

	shared []*Shared
	grace  time.Duration
	made   time.Time // from when the contact to journals is counted, whatever the wall clock does

	// stepped is the latest instant that the wall clock had shown when it was set back: how
	// old the responses of other processes from before are isn't known.
	stepped atomic.Int64

	known   known        // with several journals
	room    int          // for what each of them lacks
	untried atomic.Int32 // journals that nobody has tried to read yet
}

// sort is the marks of one sort: hard ones take a response away, soft ones make
// it stale.
type sort struct {
	cells atomic.Pointer[cells] // nil before the first mark
	all   atomic.Uint64         // position of the last mark that matches all
}

// New returns a table without marks, with a random epoch. Its arrays of 8 MiB
// each are allocated on the first hard and the first soft mark.
//
// With journals that are shared, which the caller reads and applies to Shared, the table
// knows about their marks too, and vouches for responses for grace after it lost contact to
// all of them.
func New(journals int, grace time.Duration) *Table {
	grace = min(grace, 1<<60) // 36 years, so that sums don't overflow
	t := &Table{grace: grace, made: time.Now(), room: maxPending}
	if journals > 1 {
		t.room = maxLacking
	}
	for i := range journals {
		t.shared = append(t.shared, &Shared{table: t, bit: 1 << i, lacking: newLacking(), delay: newCopyDelay()})
	}
	t.untried.Store(int32(journals))
	rand.Read(t.epoch[:]) // never fails
	return t
}

func (t *Table) elapsed() time.Duration { return time.Since(t.made) + 1 }

// StepBack is told that the wall clock was set back, and what it had shown at the latest:
// everything from before is stale.
func (t *Table) StepBack(latest int64) {
	t.stepped.Store(max(t.stepped.Load(), latest))
	t.Mark(All, true)
}

// Shared returns the journals that are shared.
func (t *Table) Shared() []*Shared { return t.shared }

// Epoch returns the name of this table's journal.
func (t *Table) Epoch() [16]byte { return t.epoch }

// Position returns the position of the last mark, 0 before the first. A fetch
// notes it before it asks the origin.
func (t *Table) Position() uint64 { return t.position.Load() }

// Mark purges everything under hash that was fetched so far and returns the
// position of the mark. Once it has returned, whatever names an earlier position
// is purged, and what notes its position from then on is not. Marking again
// purges nothing but what was fetched in between.
func (t *Table) Mark(hash uint64, soft bool) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mark(hash, soft)
}

// MarkPending is Mark for a mark that is to stand in a shared journal too. Until it was
// read there it counts for responses of other processes as well.
func (t *Table) MarkPending(hash uint64, soft bool) store.Mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.markPending(hash, soft)
}

// MarkSince is a hard MarkPending that also reports whether it is the first one under hash since
// asOf, of either sort and All included: then who knew the journal up to asOf, and
// knows what this mark is about, knows it up to the position returned.
func (t *Table) MarkSince(hash, asOf uint64) (position uint64, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hard, soft := t.Purged(hash, asOf)
	return t.markPending(hash, false).Source.Seq, !hard && !soft
}

// mark needs the lock.
func (t *Table) mark(hash uint64, soft bool) uint64 {
	position := t.position.Load() + 1
	t.sort(soft).raise(hash, position)
	// Only now may a fetch note this position: if it could before, it would
	// claim to know a mark that some reader doesn't see yet.
	t.position.Store(position)
	return position
}

// Purged reports whether a hard or a soft mark under hash, or one that matches
// all, lies behind asOf. A hard one may be among those that were lost.
func (t *Table) Purged(hash, asOf uint64) (hard, soft bool) {
	if asOf >= t.position.Load() {
		return false, false
	}
	return t.doubted.Load() > asOf || t.hard.behind(hash, asOf), t.soft.behind(hash, asOf)
}

// Fill returns the share of cells that were ever raised, from 0 to 1, in the
// fuller array. With a share p of its cells behind a response's position, a hash
// of that response is taken for purged with probability p⁴, so this bounds the
// share of responses that are purged by mistake.
func (t *Table) Fill() float64 { return max(t.hard.fill(), t.soft.fill()) }

// add adds a mark that was read as the one with number seq of a shared journal. One that
// this process made itself, or that was read in another journal, stands in the table
// already: once more, it would purge what was fetched since.
func (t *Table) add(s *Shared, r *reading, m store.Mark, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := m.Source.Epoch == t.epoch
	s.writers.saw(m)
	if own && m.Hash == store.PresenceHash {
		s.said = t.elapsed()
	}
	if m.Hash == store.ReturnHash || m.Hash == store.PresenceHash { // they purge nothing
		r.position.Store(seq)
		return
	}
	counts := own
	if len(t.shared) > 1 {
		in, known := t.known.in(m.Source)
		if in&s.bit != 0 { // two have written it
			r.position.Store(seq)
			return
		}
		t.known.add(m.Source, s.bit)
		counts = counts || known
	}
	r.sort(m.Soft).raise(m.Hash, seq)
	r.position.Store(seq) // only now may a fetch claim to know it
	s.lacking.remove(m.Source)
	if counts {
		return
	}
	if len(t.shared) > 1 {
		t.lack(m, s)
	}
	// Last, since it moves the table's position: who judged a response before, and holds
	// on to that for as long as the position stays, judges again.
	t.mark(m.Hash, m.Soft)
}

func (r *reading) sort(soft bool) *sort {
	if soft {
		return &r.soft
	}
	return &r.hard
}

// forget is told that a journal is read anew.
func (t *Table) forget(s *Shared) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.said = 0 // to be said again
	if len(t.shared) < 2 {
		return
	}
	t.known.drop(s.bit)
	s.lacking.over.Store(false)
}

// doubt notes that marks were lost: whatever was stored so far may have been purged.
func (t *Table) doubt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	position := t.position.Load() + 1
	t.doubted.Store(position)
	t.position.Store(position)
}

// AsOf returns what a fetch that begins now knows: this table's journal first, then the
// shared ones.
func (t *Table) AsOf() []store.Position {
	known := make([]store.Position, 1, 1+len(t.shared))
	known[0] = store.Position{Epoch: t.epoch, Seq: t.position.Load()}
	for _, s := range t.shared {
		if r := s.read.Load(); r != nil {
			known = append(known, store.Position{Epoch: r.epoch, Seq: r.position.Load()})
		}
	}
	return known
}

func (t *Table) sort(soft bool) *sort {
	if soft {
		return &t.soft
	}
	return &t.hard
}

// raise needs the lock.
func (s *sort) raise(hash, position uint64) {
	if hash == All {
		s.all.Store(position)
		return
	}
	c := s.cells.Load()
	if c == nil {
		c = new(cells)
		s.cells.Store(c)
	}
	c.raise(hash, position)
}

func (s *sort) behind(hash, asOf uint64) bool {
	if s.all.Load() > asOf {
		return true
	}
	c := s.cells.Load()
	return c != nil && c.behind(hash, asOf)
}

func (s *sort) fill() float64 {
	if c := s.cells.Load(); c != nil {
		return float64(c.raised.Load()) / size
	}
	return 0
}
