// SPDX-License-Identifier: MIT

package marks

import "github.com/holdover-go/holdover/store"

// Entry reports whether a hard or a soft mark under the URL of e, under one of
// its tags, or one that matches all, lies behind what its fetch knew. An entry
// that doesn't name this table's journal, since it was made by another process
// or before a restart, is taken to know none of its marks. It allocates nothing.
func (t *Table) Entry(e *store.Entry) (hard, soft bool) {
	asOf := t.asOf(e)
	if asOf >= t.position.Load() {
		return false, false
	}
	return t.hard.behindEntry(e, asOf), t.soft.behindEntry(e, asOf)
}

// asOf returns the position in this table's journal that e knows.
func (t *Table) asOf(e *store.Entry) (asOf uint64) {
	for i := range e.NumAsOf() {
		if p := e.AsOf(i); p.Epoch == t.epoch {
			asOf = max(asOf, p.Seq)
		}
	}
	return asOf
}

func (s *sort) behindEntry(e *store.Entry, asOf uint64) bool {
	if s.behind(e.URLHash(), asOf) {
		return true
	}
	c := s.cells.Load()
	if c == nil || e.NumTags() == 0 {
		return false
	}
	found := false
	e.EachTagHash(func(hash uint64) bool {
		found = c.behind(hash, asOf)
		return !found
	})
	return found
}
