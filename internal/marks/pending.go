// SPDX-License-Identifier: MIT

package marks

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/holdover-go/holdover/store"
)

// copyDelay is how long a process at least leaves it to others to write marks into a journal
// that it hasn't made itself, and half of the most that it waits.
const copyDelay = 300 * time.Millisecond

func newCopyDelay() time.Duration { return copyDelay + rand.N(copyDelay) }

// markPending is mark for an own mark, which stands in no shared journal yet. It needs the
// lock.
func (t *Table) markPending(hash uint64, soft bool) store.Mark {
	if len(t.shared) > 0 && t.overflow() {
		return t.replacePending()
	}
	m := store.Mark{Hash: hash, Soft: soft, Source: store.Position{Epoch: t.epoch, Seq: t.position.Load() + 1}}
	t.lack(m, nil)
	t.mark(hash, soft)
	t.supersede(m)
	return m
}

// overflow reports whether no journal has room for another mark that it lacks. With several,
// one that has none begins anew, since another has what it lacks. It needs the lock.
func (t *Table) overflow() bool {
	full := 0
	for _, s := range t.shared {
		if len(s.lacking.marks) >= t.room || s.lacking.over.Load() {
			full++
		}
	}
	return full == len(t.shared)
}

// replacePending makes a mark that matches all, in place of all that wait. Those before it
// count until it does. It needs the lock.
func (t *Table) replacePending() store.Mark {
	m := store.Mark{Hash: All, Source: store.Position{Epoch: t.epoch, Seq: t.position.Load() + 1}}
	t.mark(All, false)
	for _, s := range t.shared {
		s.lacking.clear(m.Source.Seq)
		s.lacking.over.Store(false)
	}
	t.lack(m, nil)
	t.supersede(m)
	return m
}

// lack notes that all journals but one lack a mark, which is going to stand at the next
// position, or stands there. It needs the lock.
func (t *Table) lack(m store.Mark, but *Shared) {
	own := m.Source.Epoch == t.epoch
	at := t.position.Load() + 1
	if own {
		at = m.Source.Seq
	}
	if own && len(t.shared) > 1 {
		t.known.add(m.Source, 0)
	}
	for _, s := range t.shared {
		switch {
		case s == but, s.lacking.over.Load():
		case len(t.shared) > 1 && len(s.lacking.marks) >= t.room:
			s.lacking.over.Store(true) // first
			s.lacking.clear(0)
		default:
			s.lacking.add(lack{mark: m, at: at, since: t.elapsed(), own: own})
		}
	}
}

// supersede is told that an own mark stands in the table. It needs the lock.
func (t *Table) supersede(m store.Mark) {
	for _, s := range t.shared {
		s.lacking.supersede(m)
	}
}

// NumPending returns how many own marks stand in no shared journal, as far as is known.
func (t *Table) NumPending() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.shared) == 0 {
		return 0
	}
	for _, o := range t.shared[0].lacking.own {
		nowhere := true
		for _, s := range t.shared {
			nowhere = nowhere && s.lacking.waits(o)
		}
		if nowhere {
			n++
		}
	}
	return n
}

// Due returns up to n marks that the journal lacks and this process should write into it, the
// oldest first, without those that skip names by their source: own ones at once, those of
// others after they, who have made them, had time for it.
func (s *Shared) Due(n int, skip func(source store.Position) bool) []store.Mark {
	t := s.table
	now := t.elapsed()
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []store.Mark
	if m := t.presence(); s.read.Load() != nil && s.isMissed(now) && !skip(m.Source) {
		list = append(list, m)
	}
	list = s.lacking.list(list, n, s.lacking.own, func(m lack) (take, stop bool) { return !skip(m.mark.Source), false })
	if s.back == 0 || now-s.back < s.delay {
		return list
	}
	return s.lacking.list(list, n, s.lacking.order, func(m lack) (take, stop bool) {
		return !m.own && !skip(m.mark.Source), now-m.since < s.delay
	})
}

// Lacks reports whether the journal lacks the mark with that source.
func (s *Shared) Lacks(source store.Position) bool {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if source == s.table.presence().Source {
		return s.isMissed(s.table.elapsed())
	}
	_, lacks := s.lacking.marks[source]
	return lacks
}

// sayAgain is how often a process says that it is there: journals drop what is old.
const sayAgain = 24 * time.Hour

// isMissed reports whether this process must say that it is there. It needs the table's lock.
func (s *Shared) isMissed(now time.Duration) bool { return s.said == 0 || now-s.said > sayAgain }

// presence is the mark by which this process says that it writes into a journal.
func (t *Table) presence() store.Mark {
	return store.Mark{Hash: store.PresenceHash, Source: store.Position{Epoch: t.epoch}}
}

// Own returns the own marks that the journal lacks.
func (s *Shared) Own() []store.Mark {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return s.lacking.list(nil, math.MaxInt, s.lacking.own, func(lack) (take, stop bool) { return true, false })
}

// Whole reports whether the journal, having been read to its end, has all that this process
// knows, but for what came in the last moment.
func (s *Shared) Whole() bool {
	now := s.table.elapsed()
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	l := s.lacking
	if l.over.Load() || s.read.Load() == nil {
		return false
	}
	return len(l.order) == 0 || now-l.marks[l.order[0].source].since < 2*copyDelay && s.back != 0 && l.marks[l.order[0].source].since > s.back
}
