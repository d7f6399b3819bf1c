// SPDX-License-Identifier: MIT

package marks

import (
	"cmp"
	"maps"
	"slices"

	"github.com/holdover-go/holdover/store"
)

// maxPending bounds the marks that no shared journal has. Beyond it, one that matches all
// takes their place.
const maxPending = 10_000

// markPending is mark for a mark that isn't known to stand in a shared journal. It needs
// the lock.
func (t *Table) markPending(hash uint64, soft bool) store.Mark {
	full := len(t.pending) >= maxPending
	if full {
		hash, soft = All, false
	}
	m := store.Mark{Hash: hash, Soft: soft, Source: store.Position{Epoch: t.epoch, Seq: t.position.Load() + 1}}
	if full { // the one takes the place of all before it, without a gap
		t.mark(m.Hash, m.Soft)
		clear(t.pending)
		clear(t.newest)
		t.order = nil
		t.oldest.Store(m.Source.Seq)
	}
	if len(t.shared) > 0 {
		t.pending[m.Source.Seq] = m
		t.order = append(t.order, m.Source.Seq)
		t.oldest.CompareAndSwap(0, m.Source.Seq)
	}
	if !full {
		t.mark(m.Hash, m.Soft)
	}
	t.supersede(m)
	return m
}

// pendingKey is what a mark is about.
type pendingKey struct {
	hash uint64
	soft bool
}

// supersede forgets the mark that waits for the same hash: the later one says all that it
// did. It needs the lock, and the later one stands already.
func (t *Table) supersede(m store.Mark) {
	if len(t.shared) == 0 {
		return
	}
	about := pendingKey{m.Hash, m.Soft}
	before, waits := t.newest[about]
	t.newest[about] = m.Source.Seq
	if waits {
		t.confirm(before)
	}
}

// Pending returns up to n of the marks that aren't known to stand in a shared journal, the
// oldest first.
func (t *Table) Pending(n int) []store.Mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := slices.SortedFunc(maps.Values(t.pending), func(a, b store.Mark) int {
		return cmp.Compare(a.Source.Seq, b.Source.Seq)
	})
	return list[:min(n, len(list))]
}

// NumPending returns how many those are.
func (t *Table) NumPending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

// confirm ends that. It needs the lock.
func (t *Table) confirm(position uint64) {
	if _, waits := t.pending[position]; !waits {
		return
	}
	m := t.pending[position]
	if about := (pendingKey{m.Hash, m.Soft}); t.newest[about] == position {
		delete(t.newest, about)
	}
	delete(t.pending, position)
	if len(t.order) > 2*maxPending { // the oldest is stuck
		t.order = slices.DeleteFunc(t.order, func(p uint64) bool { _, waits := t.pending[p]; return !waits })
	}
	for len(t.order) > 0 {
		if _, waits := t.pending[t.order[0]]; waits {
			t.oldest.Store(t.order[0])
			return
		}
		t.order = t.order[1:]
	}
	t.oldest.Store(0)
}

// add adds a mark that was read as the one with number seq of a shared journal. One that
// this process made itself stands in the table already: once more, it would purge what was
// fetched since.
func (t *Table) add(r *reading, m store.Mark, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.sort(m.Soft).raise(m.Hash, seq)
	r.position.Store(seq) // only now may a fetch claim to know it
	if m.Source.Epoch == t.epoch {
		t.confirm(m.Source.Seq)
		return
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
