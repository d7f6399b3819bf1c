// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// outage returns a Failover whose first member was out and is back, followed or not.
func outage(t *testing.T, a, b journaled, followed bool) *store.Failover {
	t.Helper()
	f := over(t, store.FailoverConfig{}, a, b)
	if followed {
		follow(t, f)
	}
	breaks(t, f, a.server)
	returns(t, f, a.server)
	time.Sleep(200 * ms)
	synctest.Wait()
	require.Equal(t, store.Closed, f.States()[0])
	return f
}

// A return is a mark in the member's journal.
func TestReturnIsAMark(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := outage(t, a, b, true)
		require.Len(t, a.journal.list(), 1)
		mark := a.journal.list()[0]
		require.Equal(t, store.ReturnHash, mark.Hash)
		require.EqualValues(t, 1, mark.Source.Seq)
		require.NotZero(t, mark.Source.Epoch)
		require.Empty(t, b.journal.list())
		breaks(t, f, a.server)
		returns(t, f, a.server)
		again := a.journal.list()[1]
		require.Equal(t, store.Position{Epoch: mark.Source.Epoch, Seq: 2}, again.Source)
	})
	bubble(t, func(t *testing.T) {
		a := newJournaled(1)
		f := over(t, store.FailoverConfig{}, a)
		breaks(t, f, a.server)
		returns(t, f, a.server)
		require.Equal(t, store.Closed, f.States()[0])
		require.Empty(t, a.journal.list(), "nobody stood in for the only one")
	})
}

// Where the return can't be noted the member isn't used.
func TestReturnThatCannotBeNoted(t *testing.T) {
	for name, do := range map[string]script{"fails": fails, "hangs": hangs, "panics": panics} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := newJournaled(1), newJournaled(2)
				f := over(t, store.FailoverConfig{}, a, b)
				breaks(t, f, a.server)
				a.does(nil, nil)
				a.journal.is(do)
				for range 5 {
					time.Sleep(3 * time.Second)
					_, _, _ = get(t, f, "k")
					time.Sleep(300 * ms)
					require.Equal(t, store.Open, f.States()[0])
				}
				a.journal.is(nil)
				returns(t, f, a.server)
				require.Equal(t, store.Closed, f.States()[0])
			})
		})
	}
}

// After a return the newer of both entries counts, and is copied.
func TestReturnNewerOfTwo(t *testing.T) {
	for name, followed := range map[string]bool{"followed": true, "not followed": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				at := time.Now()
				a, b := newJournaled(1), newJournaled(2)
				older, newer := made(t, "behind", at), made(t, "behind", at.Add(ms))
				ahead, alone, missing := made(t, "ahead", at.Add(ms)), made(t, "alone", at), made(t, "missing", at)
				a.put(older)
				a.put(ahead)
				a.put(alone)
				f := outage(t, a, b, followed)
				b.put(newer)
				b.put(made(t, "ahead", at))
				b.put(missing)

				keys := []string{"behind", "ahead", "alone", "missing", "nowhere"}
				want := []*store.Entry{newer, ahead, alone, missing, nil}
				a.forget()
				b.forget()
				many, err := f.GetMany(about(t, 100*ms), keys)
				require.NoError(t, err)
				require.Equal(t, want, many)
				require.Equal(t, 50*ms, a.share(), "another can be asked")
				require.Equal(t, 100*ms, b.share(), "and has all that is left")
				reads, _ := b.forget()
				require.Equal(t, 1, reads, "in one trip")
				synctest.Wait()
				require.Same(t, newer, a.has("behind"), "it is copied")
				require.Same(t, missing, a.has("missing"))

				a.put(older)
				require.NoError(t, a.Delete(t.Context(), "missing"))
				for i, key := range keys {
					e, err := f.Get(t.Context(), key)
					require.Same(t, want[i], e)
					require.Equal(t, want[i] == nil, err != nil)
					e, _ = f.GetBytes(t.Context(), []byte(key), time.Now().UnixNano())
					require.Same(t, want[i], e)
				}
				synctest.Wait()
				require.Same(t, newer, a.has("behind"))
				require.Same(t, missing, a.has("missing"))
			})
		})
	}
}

// What the member that stood in does can't hide the answer of the one that is used.
func TestReturnWithAStandInThatFails(t *testing.T) {
	for name, do := range map[string]script{"fails": fails, "hangs": hangs, "panics": panics} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := newJournaled(1), newJournaled(2)
				e := entry(t, "k")
				a.put(e)
				f := outage(t, a, b, true)
				b.does(do, do)
				for range 5 {
					got, _, err := get(t, f, "k")
					require.NoError(t, err)
					require.Same(t, e, got)
					many, err := f.GetMany(about(t, 100*ms), []string{"k", "none"})
					require.NoError(t, err)
					require.Equal(t, []*store.Entry{e, nil}, many)
					_, _, err = get(t, f, "none")
					require.ErrorIs(t, err, store.ErrNotFound)
				}
				require.Equal(t, store.Open, f.States()[1])
				_, took, _ := get(t, f, "k")
				require.Zero(t, took)
			})
		})
	}
}

// An entry that knows of the return needs no other opinion.
func TestReturnThatAnEntryKnows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := outage(t, a, b, true)
		page, err := a.journal.Read(t.Context(), store.Position{})
		require.NoError(t, err)
		at := page.Position()
		asks := func(known ...store.Position) bool {
			e := made(t, "k", time.Now(), known...)
			a.put(e)
			b.forget()
			got, err := f.Get(t.Context(), "k")
			require.NoError(t, err)
			require.Same(t, e, got)
			reads, _ := b.forget()
			return reads > 0
		}
		require.False(t, asks(at))
		require.False(t, asks(store.Position{Epoch: [16]byte{9}}, store.Position{Epoch: at.Epoch, Seq: at.Seq + 1}))
		require.True(t, asks(store.Position{Epoch: at.Epoch, Seq: at.Seq - 1}))
		require.True(t, asks(store.Position{Epoch: [16]byte{9}, Seq: 100}))
		require.True(t, asks())

		require.NoError(t, a.journal.Renew(t.Context(), at.Epoch))
		time.Sleep(200 * ms)
		require.True(t, asks(), "a journal that began anew doesn't make the entries newer")
		page, err = a.journal.Read(t.Context(), store.Position{})
		require.NoError(t, err)
		require.False(t, asks(page.Position()), "but who knows it is from after that")
	})
}

// Without a journal the instant counts.
func TestReturnWithoutAJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		breaks(t, f, a)
		a.does(nil, nil)
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "probe")
		synctest.Wait()
		require.Equal(t, store.Closed, f.States()[0])
		back := time.Now()
		b.put(made(t, "k", back.Add(time.Hour)))
		for after, asks := range map[time.Duration]bool{-time.Hour: true, 0: true, 5*time.Second - 1: true, 5 * time.Second: false} {
			e := made(t, "k", back.Add(after))
			a.put(e)
			got, err := f.Get(t.Context(), "k")
			require.NoError(t, err)
			require.Equal(t, asks, got != e)
			synctest.Wait()
		}
	})
}

// A process that wasn't there reads of the return.
func TestReturnBeforeARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		at := time.Now()
		a, b := newJournaled(1), newJournaled(2)
		older, newer := made(t, "k", at), made(t, "k", at.Add(ms))
		a.put(older)
		outage(t, a, b, true)
		a.put(older)
		b.put(newer)

		next := over(t, store.FailoverConfig{}, a, b)
		e, err := next.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Same(t, older, e, "it hasn't read it yet")
		follow(t, next)
		synctest.Wait()
		e, err = next.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Same(t, newer, e)
		synctest.Wait()
		require.Same(t, newer, a.has("k"))
	})
}

// A member that is back isn't read before its journal was.
func TestReturnWaitsForTheMerge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := over(t, store.FailoverConfig{}, a, b)
		j := store.JournalsOf(f)
		require.Len(t, j, 2)
		read := func() time.Time {
			began := time.Now()
			_, err := j[0].Read(t.Context(), store.Position{})
			require.NoError(t, err)
			return began
		}
		read()
		breaks(t, f, a.server)
		time.Sleep(time.Second)
		early := read()
		returns(t, f, a.server)
		require.Equal(t, store.Merging, f.States()[0])
		a.forget()
		_, _, _ = get(t, f, "k")
		reads, _ := a.forget()
		require.Zero(t, reads)
		require.NoError(t, f.Set(t.Context(), "k", entry(t, "k")))
		require.NoError(t, f.Delete(t.Context(), "k"))
		_, writes := a.forget()
		require.Equal(t, 1, writes, "only what is deleted")

		j[0].(store.Merger).Merged(early)
		require.Equal(t, store.Merging, f.States()[0], "that attempt began before")
		j[1].(store.Merger).Merged(time.Now())
		require.Equal(t, store.Merging, f.States()[0], "that is another one")

		b.does(fails, fails)
		for range 3 {
			_, _, _ = get(t, f, "k")
		}
		require.Equal(t, []store.State{store.Merging, store.Open}, f.States())
		e := entry(t, "k")
		a.put(e)
		got, took, err := get(t, f, "k")
		require.NoError(t, err, "there is no other")
		require.Same(t, e, got)
		require.Zero(t, took)
		a.does(fails, fails)
		for range 3 {
			_, _, _ = get(t, f, "k")
		}
		require.Equal(t, store.Open, f.States()[0])
		read()
		returns(t, f, a.server)
		a.journal.is(fails)
		for range 30 {
			_, err := j[0].Read(t.Context(), store.Position{})
			require.Error(t, err)
			time.Sleep(2 * time.Second)
			_, _, _ = get(t, f, "k")
			require.Equal(t, store.Merging, f.States()[0], "somebody still tries to read it")
		}
		a.journal.is(nil)
		j[0].(store.Merger).Merged(time.Now())
		require.Equal(t, store.Closed, f.States()[0])
		j[0].(store.Merger).Merged(time.Now())

		read()
		breaks(t, f, a.server)
		a.does(nil, nil)
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		synctest.Wait()
		require.Equal(t, store.Merging, f.States()[0])
		time.Sleep(6 * time.Second)
		_, _, _ = get(t, f, "k")
		require.Equal(t, store.Closed, f.States()[0], "nobody reads it any more")
	})
}

// Journals are called whatever the breakers say, and count for none.
func TestJournalsPastTheBreakers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := over(t, store.FailoverConfig{}, a, newServer(), b)
		list := store.JournalsOf(f)
		require.Len(t, list, 2)
		first, err := store.JournalOf(f)
		require.NoError(t, err)
		require.Same(t, list[0], first)
		breaks(t, f, a.server)
		p, err := list[0].Append(t.Context(), []store.Mark{{Hash: 1}})
		require.NoError(t, err)
		require.Equal(t, store.Position{Epoch: [16]byte{1}, Seq: 1}, p)
		for _, do := range []script{fails, panics} {
			b.journal.is(do)
			for range 10 {
				_, err = list[1].Append(t.Context(), nil)
				require.Error(t, err)
				_, err = list[1].Read(t.Context(), store.Position{})
				require.Error(t, err)
				require.Error(t, list[1].Renew(t.Context(), [16]byte{}))
			}
		}
		require.Equal(t, store.Closed, f.States()[2])
		_, err = store.JournalOf(over(t, store.FailoverConfig{}, newServer()))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.Empty(t, store.JournalsOf(over(t, store.FailoverConfig{}, newServer())))

		tiers, err := store.NewTiered(&near{newBare(), true}, f)
		require.NoError(t, err)
		require.Equal(t, list, store.JournalsOf(tiers))
		require.NoError(t, tiers.Close())
	})
}

// A page that was read before a return, and comes late, doesn't make it forgotten.
func TestReturnAndAPageOfBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := over(t, store.FailoverConfig{}, a, b)
		newer := made(t, "k", time.Now().Add(time.Second))
		a.put(entry(t, "k"))
		j := store.JournalsOf(f)[0]
		breaks(t, f, a.server)
		slowly := make(chan struct{})
		go func() {
			defer close(slowly)
			a.journal.is(func(context.Context) error { time.Sleep(10 * time.Second); return nil })
			_, _ = j.Read(context.Background(), store.Position{})
		}()
		synctest.Wait()
		a.journal.is(nil)
		returns(t, f, a.server)
		j.(store.Merger).Merged(time.Now())
		a.journal.mu.Lock()
		marks := a.journal.marks
		a.journal.epoch, a.journal.marks = [16]byte{8}, nil
		a.journal.mu.Unlock()
		<-slowly
		a.journal.mu.Lock()
		a.journal.epoch, a.journal.marks = [16]byte{1}, marks
		a.journal.mu.Unlock()
		b.put(newer)
		e, err := f.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Same(t, newer, e)
	})
}
