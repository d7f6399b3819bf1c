// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
)

// JournalFeatures say what a journal is good for. The zero value describes one that is
// empty whenever it is opened.
type JournalFeatures struct {
	// Lose makes the backend lose the journal that s reads, as an eviction or a
	// deletion does.
	Lose func(t *testing.T, j store.Journal)

	// Server is what the journal stands on, if that can be paused and started again.
	Server Server

	// Durable says that the journal outlives a crash of its Server, or of the process.
	Durable bool

	// Reopen opens the journal again, as another process does. nil means that
	// there is only one.
	Reopen func(t *testing.T, j store.Journal) store.Journal
}

// RunJournal checks that a journal keeps the contract of [store.Journal]. For every case it
// opens one of its own, which must be empty.
func RunJournal(t *testing.T, open func(t *testing.T) store.Journal, f JournalFeatures) {
	for _, c := range journalCases {
		t.Run(c.name, func(t *testing.T) {
			c.check(journalSuite{t, open(t), f})
		})
	}
}

var journalCases = []struct {
	name  string
	check func(journalSuite)
}{
	{"Empty", journalSuite.empty},
	{"Append", journalSuite.appends},
	{"ReadOn", journalSuite.readOn},
	{"Renew", journalSuite.renew},
	{"Pages", journalSuite.pages},
	{"Elsewhere", journalSuite.elsewhere},
	{"Concurrent", journalSuite.concurrent},
	{"Lost", journalSuite.lost},
	{"Contexts", journalSuite.contexts},
	{"Paused", journalSuite.paused},
	{"Crash", journalSuite.crash},
}

// journalSuite is one case under way.
type journalSuite struct {
	*testing.T
	journal  store.Journal
	features JournalFeatures
}

func mark(n uint64) store.Mark {
	return store.Mark{
		Hash: n * 0x9e3779b97f4a7c15, Soft: n%3 == 0,
		Source: store.Position{Epoch: [16]byte{0: byte(n), 1: 0xff, 15: 7}, Seq: ^uint64(0) - n},
	}
}

func marksOf(from, to uint64) (list []store.Mark) {
	for n := from; n < to; n++ {
		list = append(list, mark(n))
	}
	return list
}

func (s journalSuite) append(list ...store.Mark) store.Position {
	s.Helper()
	p, err := s.journal.Append(s.Context(), list)
	require.NoError(s, err)
	return p
}

// readAll reads page after page to the end.
func (s journalSuite) readAll(j store.Journal, after store.Position) (epoch [16]byte, base uint64, list []store.Mark) {
	s.Helper()
	for first := true; ; first = false {
		page, err := j.Read(s.Context(), after)
		require.NoError(s, err)
		if first {
			epoch, base = page.Epoch, page.Base
		} else {
			require.Equal(s, after, store.Position{Epoch: page.Epoch, Seq: page.Base + 1}, "a page begins where the one before it ended")
		}
		require.NotZero(s, page.Epoch, "a journal has an epoch")
		if !first {
			require.Equal(s, list[len(list)-1], page.Marks[0], "a page begins with the mark that it is read from")
			page.Base, page.Marks = page.Base+1, page.Marks[1:]
		}
		list = append(list, page.Marks...)
		if after = page.Position(); !page.More {
			return epoch, base, list
		}
		require.NotEmpty(s, page.Marks, "a page with more to come isn't empty")
	}
}

func (s journalSuite) empty() {
	epoch, base, list := s.readAll(s.journal, store.Position{})
	require.Empty(s, list, "a new journal is empty")
	require.Zero(s, base)
	again, _, _ := s.readAll(s.journal, store.Position{})
	require.Equal(s, epoch, again, "its epoch stays, also while it is empty")
	p := s.append(mark(1))
	require.Equal(s, store.Position{Epoch: epoch, Seq: 1}, p, "marks are numbered from 1")
}

func (s journalSuite) appends() {
	want := append(marksOf(0, 7), store.Mark{Hash: ^uint64(0)}, store.Mark{}, store.Mark{Hash: 1 << 63, Soft: true})
	s.append(want[:3]...)
	p := s.append(want[3:]...)
	require.EqualValues(s, len(want), p.Seq, "the position is that of the last mark")
	_, base, got := s.readAll(s.journal, store.Position{})
	require.Zero(s, base)
	require.Equal(s, want, got, "marks come back as they were, in their order")
}

func (s journalSuite) readOn() {
	one := s.append(marksOf(0, 3)...)
	epoch, base, got := s.readAll(s.journal, one)
	require.Equal(s, one, store.Position{Epoch: epoch, Seq: base + 1}, "Read begins with the mark at the position")
	require.Equal(s, marksOf(2, 3), got, "the last mark is kept")
	s.append(marksOf(3, 5)...)
	_, base, got = s.readAll(s.journal, one)
	require.EqualValues(s, 2, base)
	require.Equal(s, marksOf(2, 5), got, "Read returns what stands from the position on")

	for _, unknown := range []store.Position{{Epoch: [16]byte{1}, Seq: 4}, {Epoch: one.Epoch, Seq: 1000}} {
		epoch, base, got := s.readAll(s.journal, unknown)
		require.Equal(s, one.Epoch, epoch)
		require.Zero(s, base)
		require.Equal(s, marksOf(0, 5), got, "a position that isn't known gives all that is kept")
	}
}

func (s journalSuite) renew() {
	one := s.append(marksOf(0, 3)...)
	require.NoError(s, s.journal.Renew(s.Context(), [16]byte{1, 2, 3}), "Renew of another epoch than the journal has does nothing")
	epoch, _, got := s.readAll(s.journal, store.Position{})
	require.Equal(s, one.Epoch, epoch)
	require.Len(s, got, 3)

	require.NoError(s, s.journal.Renew(s.Context(), epoch))
	require.NoError(s, s.journal.Renew(s.Context(), epoch), "two may find at once that it was set back")
	next, base, got := s.readAll(s.journal, store.Position{})
	require.NotEqual(s, epoch, next, "a journal that was renewed has another epoch")
	require.Zero(s, base)
	require.Empty(s, got)
	require.Equal(s, store.Position{Epoch: next, Seq: 1}, s.append(mark(1)))
}

func (s journalSuite) pages() {
	const n = 5000
	for from := uint64(0); from < n; from += 500 {
		s.append(marksOf(from, from+500)...)
	}
	_, _, got := s.readAll(s.journal, store.Position{})
	require.Len(s, got, n)
	require.Equal(s, marksOf(0, n), got)
}

func (s journalSuite) elsewhere() {
	if s.features.Reopen == nil {
		return
	}
	s.append(marksOf(0, 4)...)
	other := s.features.Reopen(s.T, s.journal)
	epoch, _, got := s.readAll(other, store.Position{})
	require.Equal(s, marksOf(0, 4), got, "another process reads the same journal")
	p, err := other.Append(s.Context(), marksOf(4, 6))
	require.NoError(s, err)
	require.Equal(s, store.Position{Epoch: epoch, Seq: 6}, p, "and writes the same one")
	_, _, got = s.readAll(s.journal, store.Position{})
	require.Equal(s, marksOf(0, 6), got)
}

// concurrent: a mark stands once Append has returned, at the position that it returned.
func (s journalSuite) concurrent() {
	const each = 30
	var mu sync.Mutex
	at := map[uint64]store.Mark{}
	var group errgroup.Group
	for worker := range uint64(workers) {
		group.Go(func() error {
			for round := range uint64(each) {
				m := mark(worker*each + round)
				p, err := s.journal.Append(s.Context(), []store.Mark{m})
				if err != nil {
					return err
				}
				mu.Lock()
				at[p.Seq] = m
				mu.Unlock()
				page, err := s.journal.Read(s.Context(), p)
				if err != nil {
					return err
				}
				if page.Base != p.Seq-1 || len(page.Marks) == 0 || page.Marks[0] != m {
					s.Errorf("a mark stands at its position once Append has returned: number %d, page from %d with %d", p.Seq, page.Base, len(page.Marks))
				}
			}
			return nil
		})
	}
	require.NoError(s, group.Wait())
	_, base, got := s.readAll(s.journal, store.Position{})
	require.Zero(s, base)
	require.Len(s, got, workers*each, "no mark is lost or written twice")
	for i, m := range got {
		require.Equal(s, at[uint64(i)+1], m)
	}
}

// lost: who reads on after a loss can tell.
func (s journalSuite) lost() {
	if s.features.Lose == nil {
		return
	}
	before := s.append(marksOf(0, 5)...)
	for round := range 20 {
		s.features.Lose(s.T, s.journal)
		if round%2 == 0 {
			s.append(marksOf(0, uint64(round))...)
		}
		page, err := s.journal.Read(s.Context(), before)
		require.NoError(s, err)
		require.True(s, page.Epoch != before.Epoch || page.Base > before.Seq, "a journal that was lost has another epoch, or goes on later")
		before = s.append(marksOf(0, 3)...)
	}
}

func (s journalSuite) contexts() {
	s.append(mark(1))
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.journal.Append(ctx, marksOf(2, 3)); err != nil {
		require.ErrorIs(s, err, context.Canceled)
	}
	if _, err := s.journal.Read(ctx, store.Position{}); err != nil {
		require.ErrorIs(s, err, context.Canceled)
	}
	_, _, got := s.readAll(s.journal, store.Position{})
	require.Equal(s, mark(1), got[0], "a call with an ended context harms nothing")
}

func (s journalSuite) paused() {
	server := s.features.Server
	if server == nil {
		return
	}
	s.append(mark(1))
	server.Pause()
	bare := suite{T: s.T}
	bare.endsInTime("Append", func(ctx context.Context) error { _, err := s.journal.Append(ctx, marksOf(2, 3)); return err })
	bare.endsInTime("Read", func(ctx context.Context) error { _, err := s.journal.Read(ctx, store.Position{}); return err })
	server.Resume()
	s.worksSoon(store.Position{}, "after the server hung")
	_, _, got := s.readAll(s.journal, store.Position{})
	require.Equal(s, mark(1), got[0])
}

// worksSoon reads until that works, as whoever follows a journal does.
func (s journalSuite) worksSoon(from store.Position, when string) store.JournalPage {
	s.Helper()
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(s.Context(), deadline)
		page, err := s.journal.Read(ctx, from)
		cancel()
		if err == nil {
			return page
		}
		require.Less(s, time.Since(began), 20*recovery, "the journal works again soon %s: %v", when, err)
	}
}

func (s journalSuite) crash() {
	server := s.features.Server
	if server == nil {
		return
	}
	before := s.append(marksOf(0, 5)...)
	server.Kill()
	server.Start()
	page := s.worksSoon(before, "after the server was started again")
	lost := page.Epoch != before.Epoch || page.Base > before.Seq
	require.Equal(s, !s.features.Durable, lost, "a journal that isn't durable has another epoch after a crash, a durable one goes on")
	if s.features.Durable {
		_, _, got := s.readAll(s.journal, store.Position{})
		require.Equal(s, marksOf(0, 5), got)
	}
}
