// SPDX-License-Identifier: MIT

package marks_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

var epoch1, epoch2 = [16]byte{1}, [16]byte{2}

// a purge that returned is missed while its mark comes back by the journal.
func TestPendingRace(t *testing.T) {
	var missed atomic.Int64
	began := time.Now()
	rounds := 0
	for time.Since(began) < 300*time.Millisecond && missed.Load() == 0 {
		rounds++
		table := marks.New(1, time.Hour)
		s := table.Shared()[0]
		var list []store.Mark
		s.Apply(store.JournalPage{Epoch: epoch1}, s.Begin())
		other := entry(t, []store.Position{{Epoch: epoch1, Seq: 0}}, hash(1), hash(2), hash(3), hash(4), hash(5), hash(6))
		var purged, done atomic.Bool
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for !done.Load() {
					before := purged.Load()
					if v := table.Entry(other, 2); before && v != marks.Hard {
						missed.Add(1)
					}
				}
			})
		}
		list = append(list, table.MarkPending(hash(6), false))
		purged.Store(true)
		runtime.Gosched()
		s.Apply(store.JournalPage{Epoch: epoch1, Marks: list}, s.Begin())
		done.Store(true)
		wg.Wait()
	}
	require.Zero(t, missed.Load(), "after %d rounds: Purge had returned, and the response was used", rounds)
}

// one more purge than fits: for a moment none of them counts.
func TestOverflowRace(t *testing.T) {
	var missed atomic.Int64
	began := time.Now()
	for time.Since(began) < 300*time.Millisecond && missed.Load() == 0 {
		table := marks.New(1, time.Hour)
		s := table.Shared()[0]
		s.Apply(store.JournalPage{Epoch: epoch1}, s.Begin())
		other := entry(t, []store.Position{{Epoch: epoch1, Seq: 0}}, hash(1))
		table.MarkPending(hash(1), false)
		var done atomic.Bool
		var wg sync.WaitGroup
		for range 10_000 - 1 {
			table.MarkPending(hash(2), false)
		}
		wg.Go(func() {
			for !done.Load() {
				if v := table.Entry(other, 2); v != marks.Hard {
					missed.Add(1)
				}
			}
		})
		for range 10 {
			runtime.Gosched()
		}
		table.MarkPending(hash(3), false)
		done.Store(true)
		wg.Wait()
	}
	require.Zero(t, missed.Load(), "Purge had returned, and the response was used")
}

// after a proven loss, until the new journal is read to its end, the old reading vouches.
func TestLossInPages(t *testing.T) {
	table := marks.New(1, 5*time.Second)
	s := table.Shared()[0]
	s.Apply(store.JournalPage{Epoch: epoch1, Marks: []store.Mark{{Hash: 9}}}, s.Begin())
	other := entry(t, []store.Position{{Epoch: epoch1, Seq: 1}}, hash(1))
	require.Equal(t, marks.Unpurged, table.Entry(other, 2))
	out := s.Apply(store.JournalPage{Epoch: epoch2, Marks: []store.Mark{{Hash: 9}}, More: true}, s.Begin())
	require.Equal(t, marks.Lost, out)
	require.Equal(t, marks.Unsure, table.Entry(other, 4), "the loss is proven, but the next page doesn't come")
	require.Equal(t, marks.Unsure, table.Entry(other, int64(time.Minute)), "and later it is only softly purged")
}

// the same where the journal was set back and can't be renewed.
func TestSetBackNotRenewed(t *testing.T) {
	table := marks.New(1, 5*time.Second)
	s := table.Shared()[0]
	s.Apply(store.JournalPage{Epoch: epoch1, Marks: []store.Mark{{Hash: 9}, {Hash: 10}}}, s.Begin())
	other := entry(t, []store.Position{{Epoch: epoch1, Seq: 2}}, hash(1))
	own := entry(t, table.AsOf(), hash(1))
	require.Equal(t, marks.SetBack, s.Apply(store.JournalPage{Epoch: epoch1, Marks: []store.Mark{{Hash: 9}}}, s.Begin()))
	require.Equal(t, marks.Unsure, table.Entry(other, 4))
	require.Equal(t, marks.Unsure, table.Entry(own, 4))
}

// own responses from the time before the journal was read for the first time.
func TestFirstReadAfterTrimming(t *testing.T) {
	table := marks.New(1, 5*time.Second)
	s := table.Shared()[0]
	own := entry(t, table.AsOf(), hash(1)) // the journal is away
	// Meanwhile it got 1000 marks, one of them for hash(1), and has only the last one left.
	s.Apply(store.JournalPage{Epoch: epoch1, Base: 999, Marks: []store.Mark{{Hash: hash(7)}}}, s.Begin())
	require.Equal(t, marks.Unsure, table.Entry(own, int64(time.Second)+1))
}

// a response that knows more of the journal than there is.
func TestAheadOfTheJournal(t *testing.T) {
	table := marks.New(1, 5*time.Second) // started after the journal was set back from 100 to 60
	s := table.Shared()[0]
	list := make([]store.Mark, 60)
	for i := range list {
		list[i] = store.Mark{Hash: uint64(i)}
	}
	s.Apply(store.JournalPage{Epoch: epoch1, Marks: list}, s.Begin())
	other := entry(t, []store.Position{{Epoch: epoch1, Seq: 100}}, hash(1))
	s.Apply(store.JournalPage{Epoch: epoch1, Base: 59, Marks: []store.Mark{{Hash: 59}, {Hash: hash(1)}}}, s.Begin())
	table.Entry(other, 3)
	require.Equal(t, marks.SetBack, s.Apply(store.JournalPage{Epoch: epoch1, Base: 60, Marks: []store.Mark{{Hash: hash(1)}}}, s.Begin()),
		"a response knows more of the journal than there is")
	require.Equal(t, marks.Unsure, table.Entry(other, 3))
}

// clock steps.
func TestContactByAClockThatIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := marks.New(1, 5*time.Second)
		s := table.Shared()[0]
		s.Apply(store.JournalPage{Epoch: epoch1}, s.Begin())
		r := entry(t, []store.Position{{Epoch: epoch1, Seq: 0}}, hash(1))
		require.Equal(t, marks.Unpurged, table.Entry(r, int64(10*time.Hour)))
		// The clock is set back by an hour; the journal is out of reach from now on.
		time.Sleep(30 * time.Minute)
		require.Equal(t, marks.Soft, table.Entry(r, int64(9*time.Hour+30*time.Minute)), "nobody was asked for half an hour")
	})
}

// the mark of a clock that was set back.
func TestMarkHereCountsForOthers(t *testing.T) {
	table := marks.New(1, 5*time.Second)
	s := table.Shared()[0]
	s.Apply(store.JournalPage{Epoch: epoch1}, s.Begin())
	r := entry(t, []store.Position{{Epoch: epoch1, Seq: 0}}, hash(1))
	table.StepBack(int64(time.Hour))
	require.Equal(t, marks.Soft, table.Entry(r, 11))
}

// unbounded order.
func TestStuckOldest(t *testing.T) {
	table := marks.New(1, 5*time.Second)
	s := table.Shared()[0]
	s.Apply(store.JournalPage{Epoch: epoch1}, s.Begin())
	table.MarkPending(hash(1), false) // stuck
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	base := uint64(0)
	for range 100_000 {
		m := table.MarkPending(hash(2), false)
		page := store.JournalPage{Epoch: epoch1, Base: base, Marks: []store.Mark{m}}
		if base > 0 {
			page.Base--
			page.Marks = []store.Mark{lastMark, m}
		}
		lastMark = m
		require.Equal(t, marks.Applied, s.Apply(page, s.Begin()))
		base++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d MiB more", (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
}

var lastMark store.Mark
