// SPDX-License-Identifier: MIT

package marks_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

func readOf(t *testing.T, s *marks.Shared, j store.Journal) marks.Outcome {
	t.Helper()
	for {
		began := s.Begin()
		page, err := j.Read(t.Context(), s.Position())
		require.NoError(t, err)
		o := s.Apply(page, began)
		if o == marks.SetBack {
			require.NoError(t, j.Renew(t.Context(), page.Epoch))
			continue
		}
		if !page.More {
			return o
		}
	}
}

func entryNow(t *testing.T, hash uint64, asOf []store.Position) *store.Entry {
	t.Helper()
	now := time.Now().UnixNano()
	e, err := store.New(store.Response{Key: "k", URLHash: hash, Status: 200, RequestTime: now, ResponseTime: now, StoreUntil: now + int64(time.Hour), AsOf: asOf})
	require.NoError(t, err)
	return e
}

// a journal that was out of reach all the time until now covers for one that was lost.
func TestLossIsNotCoveredByAJournalThatWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p := marks.New(2, time.Hour)
		sa, sb := p.Shared()[0], p.Shared()[1]
		readOf(t, sa, a)
		readOf(t, sb, b)
		e := entryNow(t, 7, p.AsOf())
		foreign := marks.New(2, time.Hour) // P2: its responses are judged by journals in P1
		readOf(t, foreign.Shared()[0], a)
		readOf(t, foreign.Shared()[1], b)
		e2 := entryNow(t, 7, foreign.AsOf())
		// A is away for ten minutes; B is read all the time
		for range 600 {
			sa.OutOfReach()
			time.Sleep(time.Second)
			readOf(t, sb, b)
		}
		// a mark in B only, as A is away; B dies before it was read here, and comes back empty
		m := foreign.MarkPending(7, false)
		_, err := b.Append(t.Context(), []store.Mark{m})
		require.NoError(t, err)
		b = memory.NewJournal()
		time.Sleep(100 * time.Millisecond)
		readOf(t, sa, a) // A is back
		require.Equal(t, marks.Lost, readOf(t, sb, b))
		assert.Equal(t, marks.Unsure, p.Entry(e, time.Now().UnixNano()))
		assert.Equal(t, marks.Unsure, p.Entry(e2, time.Now().UnixNano()))
	})
}

// the second member was made from a copy of the first one's data: both journals have one epoch.
type clone struct {
	epoch [16]byte
	marks []store.Mark
}

func (c *clone) Append(_ context.Context, list []store.Mark) (store.Position, error) {
	c.marks = append(c.marks, list...)
	return store.Position{Epoch: c.epoch, Seq: uint64(len(c.marks))}, nil
}
func (c *clone) Read(_ context.Context, from store.Position) (store.JournalPage, error) {
	base := uint64(0)
	if from.Epoch == c.epoch && from.Seq > 0 && from.Seq <= uint64(len(c.marks)) {
		base = from.Seq - 1
	}
	return store.JournalPage{Epoch: c.epoch, Base: base, Marks: c.marks[base:]}, nil
}
func (c *clone) Renew(_ context.Context, epoch [16]byte) error {
	if epoch == c.epoch {
		c.epoch[0]++
		c.marks = nil
	}
	return nil
}

func TestTwoJournalsOfOneEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &clone{epoch: [16]byte{1}}, &clone{epoch: [16]byte{1}}
		p1, p2 := marks.New(2, time.Hour), marks.New(2, time.Hour)
		// A is behind B: other marks were made while A was away
		other := marks.New(2, time.Hour)
		var others []store.Mark
		for h := range uint64(5) {
			others = append(others, other.MarkPending(100+h, false))
		}
		_, _ = b.Append(t.Context(), others)
		for _, p := range []*marks.Table{p1, p2} {
			readOf(t, p.Shared()[0], a)
			readOf(t, p.Shared()[1], b)
		}
		e := entryNow(t, 7, p2.AsOf())
		m := p1.MarkPending(7, false)
		_, _ = a.Append(t.Context(), []store.Mark{m})
		_, _ = b.Append(t.Context(), []store.Mark{m})
		for _, p := range []*marks.Table{p1, p2} {
			readOf(t, p.Shared()[0], a)
			readOf(t, p.Shared()[1], b)
		}
		_, _ = a.Append(t.Context(), others) // copied, after some delay
		for _, p := range []*marks.Table{p1, p2} {
			readOf(t, p.Shared()[0], a)
			readOf(t, p.Shared()[1], b)
		}
		assert.NotEqual(t, marks.Unpurged, p1.Entry(e, time.Now().UnixNano()), "purged by P1 itself")
		p3 := marks.New(2, time.Hour)
		readOf(t, p3.Shared()[0], a)
		readOf(t, p3.Shared()[1], b)
		assert.NotEqual(t, marks.Unpurged, p3.Entry(e, time.Now().UnixNano()), "after a restart")
	})
}

// a loss that nothing covers leaves what others made unpurged, as long as it names another journal.
func TestLossThatNothingCovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, foreign := marks.New(2, time.Hour), marks.New(2, time.Hour)
		for _, q := range []*marks.Table{p, foreign} {
			readOf(t, q.Shared()[0], a)
			readOf(t, q.Shared()[1], b)
		}
		own, others := entryNow(t, 7, p.AsOf()), entryNow(t, 7, foreign.AsOf())
		for range 600 {
			p.Shared()[0].OutOfReach()
			time.Sleep(time.Second)
			readOf(t, p.Shared()[1], b)
		}
		_, err := b.Append(t.Context(), []store.Mark{foreign.MarkPending(7, false)})
		require.NoError(t, err)
		b = memory.NewJournal()
		time.Sleep(100 * time.Millisecond)
		p.Shared()[0].OutOfReach()
		require.Equal(t, marks.Lost, readOf(t, p.Shared()[1], b))
		assert.Equal(t, marks.Unsure, p.Entry(own, time.Now().UnixNano()), "own")
		assert.Equal(t, marks.Unsure, p.Entry(others, time.Now().UnixNano()), "another process's")
	})
}

// What one journal says is trusted when the others were tried: they may have what it lacks.
func TestOneJournalBeforeTheOthersWereTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		readOf(t, other.Shared()[0], a)
		e := entryNow(t, 7, other.AsOf())
		readOf(t, p.Shared()[0], a)
		require.Equal(t, marks.Unsure, p.Entry(e, time.Now().UnixNano()))
		p.Shared()[1].OutOfReach()
		p.Shared()[1].Tried()
		require.Equal(t, marks.Unpurged, p.Entry(e, time.Now().UnixNano()))
	})
}

// A journal that lacks more than anybody wants to write into it begins anew. Until it does, what
// it alone speaks for isn't used.
func TestOneJournalLacksTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		p.SetRoom(100)
		for _, one := range []*marks.Table{p, other} {
			readOf(t, one.Shared()[0], a)
			readOf(t, one.Shared()[1], b)
		}
		both := entryNow(t, 7, other.AsOf())
		onlyB := entryNow(t, 7, other.AsOf()[2:])
		for i := range uint64(150) { // B is away
			_, err := a.Append(t.Context(), []store.Mark{p.MarkPending(1000+i, false)})
			require.NoError(t, err)
			readOf(t, p.Shared()[0], a)
		}
		require.Zero(t, p.NumPending())
		require.Equal(t, marks.Unpurged, p.Entry(both, time.Now().UnixNano()), "A speaks for it")
		require.Equal(t, marks.Unsure, p.Entry(onlyB, time.Now().UnixNano()))
		require.False(t, p.Shared()[1].Whole())

		before, err := b.Read(t.Context(), store.Position{})
		require.NoError(t, err)
		readOf(t, p.Shared()[1], b)
		after, err := b.Read(t.Context(), store.Position{})
		require.NoError(t, err)
		require.NotEqual(t, before.Epoch, after.Epoch, "it began anew")
		require.Equal(t, marks.Unpurged, p.Entry(both, time.Now().UnixNano()))
		require.Equal(t, marks.Unsure, p.Entry(onlyB, time.Now().UnixNano()))
		require.True(t, p.Shared()[1].Whole())
	})
}

// With no journal in reach, own marks that are too many become one that matches all.
func TestAllJournalsLackTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		p.SetRoom(100)
		for _, one := range []*marks.Table{p, other} {
			readOf(t, one.Shared()[0], a)
			readOf(t, one.Shared()[1], b)
		}
		e := entryNow(t, 7, other.AsOf())
		for i := range uint64(150) {
			p.MarkPending(1000+i, false)
		}
		require.Equal(t, marks.Hard, p.Entry(e, time.Now().UnixNano()))
		due := p.Shared()[0].Due(1000, butPresence)
		require.Less(t, len(due), 60)
		require.Equal(t, marks.All, due[0].Hash)
	})
}

// A response that names no journal knows nothing of the marks that wait.
func TestResponseWithoutAJournal(t *testing.T) {
	p := marks.New(2, time.Hour)
	for _, s := range p.Shared() {
		readOf(t, s, memory.NewJournal())
	}
	e := entryNow(t, 7, nil)
	require.Equal(t, marks.Unsure, p.Entry(e, time.Now().UnixNano()))
	p.MarkPending(7, false)
	require.Equal(t, marks.Hard, p.Entry(e, time.Now().UnixNano()))
}

// Marks of others are left to those who made them, for a while.
func TestMarksOfOthersAreCopiedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		all := butPresence
		_, err := a.Append(t.Context(), []store.Mark{other.MarkPending(7, false)})
		require.NoError(t, err)
		readOf(t, p.Shared()[0], a)
		readOf(t, p.Shared()[1], b)
		require.False(t, p.Shared()[1].Whole() && len(p.Shared()[1].Due(10, all)) > 0)
		require.Empty(t, p.Shared()[1].Due(10, all))
		time.Sleep(250 * time.Millisecond)
		require.Empty(t, p.Shared()[1].Due(10, all))
		time.Sleep(500 * time.Millisecond)
		require.Len(t, p.Shared()[1].Due(10, all), 1)
		p.Shared()[1].OutOfReach()
		require.Empty(t, p.Shared()[1].Due(10, all))
	})
}

// A mark that two have written into a journal purges nothing that was fetched in between, and
// isn't written again into the others.
func TestMarkThatStandsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		m := other.MarkPending(7, false)
		appendTo := func(j *memory.Journal) {
			_, err := j.Append(t.Context(), []store.Mark{m})
			require.NoError(t, err)
		}
		appendTo(a)
		appendTo(b)
		for _, one := range []*marks.Table{p, other} {
			readOf(t, one.Shared()[0], a)
			readOf(t, one.Shared()[1], b)
		}
		e := entryNow(t, 7, other.AsOf())
		own := entryNow(t, 7, p.AsOf())
		appendTo(a)
		appendTo(b)
		readOf(t, p.Shared()[0], a)
		readOf(t, p.Shared()[1], b)
		require.Equal(t, marks.Unpurged, p.Entry(e, time.Now().UnixNano()))
		require.Equal(t, marks.Unpurged, p.Entry(own, time.Now().UnixNano()))
		time.Sleep(time.Second)
		for _, s := range p.Shared() {
			require.Empty(t, s.Due(10, butPresence))
		}
	})
}

// What stands in a journal that began anew is new there, also where it stood before.
func TestMarkThatIsWrittenAgainAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewJournal(), memory.NewJournal()
		p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
		m := other.MarkPending(7, false)
		for _, j := range []*memory.Journal{a, b} {
			_, err := j.Append(t.Context(), []store.Mark{m})
			require.NoError(t, err)
		}
		readOf(t, p.Shared()[0], a)
		readOf(t, p.Shared()[1], b)
		a = memory.NewJournal()
		readOf(t, p.Shared()[0], a)
		third := marks.New(2, time.Hour) // it reaches A only
		readOf(t, third.Shared()[0], a)
		e := entryNow(t, 7, third.AsOf())
		_, err := a.Append(t.Context(), []store.Mark{m}) // by somebody who has missed it there
		require.NoError(t, err)
		readOf(t, p.Shared()[0], a)
		require.Equal(t, marks.Hard, p.Entry(e, time.Now().UnixNano()))
	})
}

// butPresence skips the marks by which a process says that it is there.
func butPresence(source store.Position) bool { return source.Seq == 0 }

// A journal covers the loss of another if all who wrote into that have said that they write into
// it. One that a machine has for itself doesn't.
func TestLossIsNotCoveredByAPrivateJournal(t *testing.T) {
	for _, private := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := memory.NewJournal(), memory.NewJournal()
			theirs := b
			if private {
				theirs = memory.NewJournal()
			}
			p, other := marks.New(2, time.Hour), marks.New(2, time.Hour)
			round := func() {
				for _, one := range []struct {
					table    *marks.Table
					journals []*memory.Journal
				}{{p, []*memory.Journal{a, b}}, {other, []*memory.Journal{a, theirs}}} {
					for i, s := range one.table.Shared() {
						due := s.Due(10, func(store.Position) bool { return false })
						if len(due) > 0 {
							_, err := one.journals[i].Append(t.Context(), due)
							require.NoError(t, err)
						}
						readOf(t, s, one.journals[i])
					}
				}
			}
			for range 5 {
				round()
				time.Sleep(100 * time.Millisecond)
			}
			e := entryNow(t, 7, p.AsOf())
			other.MarkPending(7, false)
			if !private {
				_, err := b.Append(t.Context(), other.Shared()[1].Due(10, butPresence)) // A is away by now
				require.NoError(t, err)
			}
			a = memory.NewJournal()
			for i, j := range []*memory.Journal{b, a} {
				readOf(t, p.Shared()[1-i], j)
			}
			if private {
				require.Equal(t, marks.Unsure, p.Entry(e, time.Now().UnixNano()))
				return
			}
			require.True(t, p.Shared()[0].Covered())
			require.Equal(t, marks.Hard, p.Entry(e, time.Now().UnixNano()), "the mark stands in the other one")
		})
	}
}

// A process says again that it is there when its word may have been dropped.
func TestPresenceIsSaidAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := memory.NewJournal()
		p := marks.New(1, time.Hour)
		s := p.Shared()[0]
		due := func() []store.Mark { return s.Due(10, func(store.Position) bool { return false }) }
		require.Empty(t, due(), "it is read first: somebody waits for that")
		readOf(t, s, a)
		require.Len(t, due(), 1)
		_, err := a.Append(t.Context(), due())
		require.NoError(t, err)
		readOf(t, s, a)
		require.Empty(t, due())
		time.Sleep(25 * time.Hour)
		require.Len(t, due(), 1)
		readOf(t, s, a)
		a = memory.NewJournal()
		readOf(t, s, a)
		require.Len(t, due(), 1, "and after a loss")
	})
}
