// SPDX-License-Identifier: MIT

package marks

import (
	"time"

	"github.com/holdover-go/holdover/store"
)

// Entry returns what the marks under the URL of e, under its tags and under All say of
// it. A response that this process has made is judged by this table, which has all
// marks; others by the shared journals that they name, and without any as one that
// knows none of this table's marks. It allocates nothing.
func (t *Table) Entry(e *store.Entry, now int64) Verdict {
	v := Unpurged
	switch asOf, own := e.PositionIn(&t.epoch); {
	case own || len(t.shared) == 0:
		v = t.entry(e, asOf)
		if v == Unsure && len(t.shared) > 1 { // one journal was lost, another may speak for it
			v = min(v, t.entryOfOthers(e))
		}
	default:
		v = t.entryOfOthers(e)
	}
	if v == Unpurged && len(t.shared) > 0 && t.unvouched(e, now) {
		return Soft
	}
	return v
}

// Own returns the position among those given that names this table's journal, 0 for none.
func (t *Table) Own(list []store.Position) (asOf uint64) {
	for _, p := range list {
		if p.Epoch == t.epoch {
			asOf = max(asOf, p.Seq)
		}
	}
	return asOf
}

func (t *Table) entry(e *store.Entry, asOf uint64) Verdict {
	switch {
	case asOf >= t.position.Load():
		return Unpurged
	case t.hard.behindEntry(e, asOf):
		return Hard
	case t.doubted.Load() > asOf:
		return Unsure
	case t.soft.behindEntry(e, asOf):
		return Soft
	}
	return Unpurged
}

// entryOfOthers: a mark purges what knows it from no journal. So one journal is enough that
// has no mark behind what the response knew, if it has all marks; of what it lacks the
// response is taken to know nothing. A response that names no journal that is read here was
// made before there was one, or is older than the loss of one.
func (t *Table) entryOfOthers(e *store.Entry) Verdict {
	best, named := Hard, false
	for _, s := range t.shared {
		lacking := s.lacks(e) // first: a mark that is read meanwhile counts there or here
		r := s.read.Load()
		if r == nil {
			continue
		}
		if seq, is := e.PositionIn(&r.epoch); is && seq >= r.base {
			r.note(seq)
			v := max(r.entry(e, seq), lacking)
			if floor := s.floor.Load(); floor != 0 && seq <= floor {
				v = max(v, Unsure)
			}
			best, named = min(best, v), true
		}
	}
	if !named {
		best = max(Unsure, t.pendingFor(e))
	}
	if t.untried.Load() > 0 { // another may have marks that those read lack
		best = max(best, Unsure)
	}
	if stepped := t.stepped.Load(); stepped != 0 && e.ResponseTime() <= stepped {
		best = max(best, Soft)
	}
	return best
}

// lacks returns what the marks say of a response that the journal lacks.
func (s *Shared) lacks(e *store.Entry) Verdict {
	oldest := s.lacking.oldest.Load()
	switch {
	case s.lacking.over.Load():
		return Unsure
	case oldest == 0:
		return Unpurged
	}
	return s.table.entry(e, oldest-1)
}

// pendingFor is lacks for a response that names no journal: what any of them lacks counts.
func (t *Table) pendingFor(e *store.Entry) (worst Verdict) {
	for _, s := range t.shared {
		worst = max(worst, s.lacks(e))
	}
	return worst
}

// unvouched reports whether marks of others may be unknown here for too long, as all
// journals are out of reach.
func (t *Table) unvouched(e *store.Entry, now int64) bool { return t.VouchedFor(e, now) <= 0 }

// VouchedFor returns for how long the table will know of the marks of other processes, or
// vouch for the response although it doesn't: for the grace after the last contact to a
// journal, or after the response was fetched. It is 0 or less where that is over.
func (t *Table) VouchedFor(e *store.Entry, now int64) time.Duration {
	if len(t.shared) == 0 {
		return 1<<63 - 1
	}
	since := time.Duration(now - e.RequestTime())
	if since < 0 { // the clock was set back
		since = t.grace
	}
	contact := time.Duration(-1 << 62) // none
	for _, s := range t.shared {
		if c := s.contact.Load(); c != 0 {
			contact = max(contact, time.Duration(c))
		}
	}
	return max(contact+t.grace-t.elapsed(), t.grace-since)
}

func (s *sort) behindEntry(e *store.Entry, asOf uint64) bool {
	if s.all.Load() > asOf {
		return true
	}
	c := s.cells.Load()
	if c == nil {
		return false
	}
	if c.behind(e.URLHash(), asOf) {
		return true
	}
	at := e.FirstTag()
	for range e.NumTags() {
		var hash uint64
		if hash, at = e.TagHash(at); c.behind(hash, asOf) {
			return true
		}
	}
	return false
}
