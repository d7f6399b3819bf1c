// SPDX-License-Identifier: MIT

package marks

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

// Bounds of the marks that a journal lacks.
const (
	// maxPending is for a single journal, which lacks own marks only. Beyond it, one
	// that matches all takes their place.
	maxPending = 10_000

	// maxLacking is for each of several journals, which also lack what stands in
	// others only. It is more than what a journal keeps, since at the start the one that
	// is read first has everything, and the other nothing. A journal that lacks more begins anew.
	maxLacking = 600_000
)

// lacking is the marks that count here and don't stand in a shared journal, as far as that
// has been read: own ones, and those that were read in another journal. Whatever the journal
// alone speaks for is judged as if it knew none of them, nor any later one. All but oldest
// needs the table's lock.
type lacking struct {
	marks  map[store.Position]lack       // by source
	newest map[pendingKey]store.Position // the source of the own one for a hash
	order  []lackAt                      // has at least all of them, at rising positions
	own    []lackAt                      // … and this one all own ones
	oldest atomic.Uint64                 // the smallest position, 0 for none
	over   atomic.Bool                   // there were too many: the journal must begin anew
}

// lack is a mark and its position in the table.
type lack struct {
	mark  store.Mark
	at    uint64
	since time.Duration // when it was seen, since the table was made
	own   bool
}

type lackAt struct {
	source store.Position
	at     uint64
}

// pendingKey is what a mark is about.
type pendingKey struct {
	hash uint64
	soft bool
}

func newLacking() *lacking {
	return &lacking{marks: map[store.Position]lack{}, newest: map[pendingKey]store.Position{}}
}

// add notes a mark.
func (l *lacking) add(m lack) {
	l.marks[m.mark.Source] = m
	l.order = append(l.order, lackAt{m.mark.Source, m.at})
	l.oldest.CompareAndSwap(0, m.at)
	if m.own {
		l.own = append(l.own, lackAt{m.mark.Source, m.at})
	}
}

// supersede forgets the own mark about the same as m, an own one too, once m counts: that says
// all that it did. A mark of others wouldn't do, since the journal may have it already, as an
// older one.
func (l *lacking) supersede(m store.Mark) {
	if _, waits := l.marks[m.Source]; !waits {
		return
	}
	about := pendingKey{m.Hash, m.Soft}
	before, waits := l.newest[about]
	l.newest[about] = m.Source
	if waits {
		l.remove(before)
	}
}

// remove is told that the journal has the mark.
func (l *lacking) remove(source store.Position) {
	m, waits := l.marks[source]
	if !waits {
		return
	}
	if about := (pendingKey{m.mark.Hash, m.mark.Soft}); l.newest[about] == source {
		delete(l.newest, about)
	}
	delete(l.marks, source)
	l.order = l.trim(l.order)
	if m.own {
		l.own = l.trim(l.own)
	}
	if len(l.order) == 0 {
		l.oldest.Store(0)
		return
	}
	l.oldest.Store(l.order[0].at)
}

// trim drops what doesn't wait any more from the front, and all of it where that is too much.
func (l *lacking) trim(order []lackAt) []lackAt {
	if len(order) > 2*len(l.marks)+maxPending { // the oldest is stuck
		order = slices.DeleteFunc(order, func(o lackAt) bool { return !l.waits(o) })
	}
	for len(order) > 0 && !l.waits(order[0]) {
		order = order[1:]
	}
	return order
}

func (l *lacking) waits(o lackAt) bool {
	m, waits := l.marks[o.source]
	return waits && m.at == o.at
}

// clear forgets all. What replaces them stands at that position, 0 for nothing.
func (l *lacking) clear(at uint64) {
	clear(l.marks)
	clear(l.newest)
	l.order, l.own = nil, nil
	l.oldest.Store(at)
}

// list appends marks of an order until there are n or wanted says stop, the oldest first.
func (l *lacking) list(list []store.Mark, n int, order []lackAt, wanted func(lack) (take, stop bool)) []store.Mark {
	for _, o := range order {
		if len(list) >= n {
			break
		}
		if !l.waits(o) {
			continue
		}
		m := l.marks[o.source]
		take, stop := wanted(m)
		if stop {
			break
		}
		if take {
			list = append(list, m.mark)
		}
	}
	return list
}
