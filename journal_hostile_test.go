// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// halfJournal can refuse to be written.
type halfJournal struct {
	*cuttable
	full  atomic.Bool
	marks atomic.Int64
	slow  atomic.Bool
}

func (j *halfJournal) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	if j.full.Load() {
		return store.Position{}, fmt.Errorf("OOM command not allowed when used memory > 'maxmemory'")
	}
	if j.slow.Load() {
		time.Sleep(10 * time.Millisecond)
	}
	p, err := j.cuttable.Append(ctx, marks)
	if err == nil {
		j.marks.Add(int64(len(marks)))
	}
	return p, err
}

func startWith(t *testing.T, f *fleet, j store.Journal) *process {
	c, err := holdover.New(holdover.Config{Store: f.store, Journal: j})
	require.NoError(t, err)
	p := &process{c, c.Handler(f.origin)}
	time.Sleep(time.Millisecond)
	return p
}

// who can't write the journal must still read it.
func TestAppendFailsReadWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		half := &halfJournal{cuttable: f.journal}
		one := startWith(t, f, half)
		two := f.start()
		defer f.stop(one, two)
		f.stored(two)
		require.Contains(t, status(get(one.h)), "; hit")
		half.full.Store(true)
		require.ErrorIs(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: "other"}), holdover.ErrUnconfirmed)
		f.now(200, "second")
		require.NoError(t, two.Purge(t.Context(), purges["url"]))
		time.Sleep(250 * time.Millisecond)
		require.Equal(t, "second", get(one.h).Body.String(), "one reaches the journal, which has the mark")
		half.full.Store(false) // for the stop
	})
}

// Close and what is pending.
func TestCloseLosesMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		half := &halfJournal{cuttable: f.journal}
		one := startWith(t, f, half)
		f.journal.cut.Store(true)
		const n = 5000
		for i := range n {
			require.ErrorIs(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: fmt.Sprint(i)}), holdover.ErrUnconfirmed)
		}
		half.slow.Store(true)
		time.Sleep(time.Second)
		f.journal.cut.Store(false)
		err := one.Close()
		require.False(t, half.marks.Load() < n && err == nil, "Close: %v; %d of %d marks stand in the journal", err, half.marks.Load(), n)
	})
}

func TestCloseSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		f.journal.cut.Store(true)
		require.ErrorIs(t, one.Purge(t.Context(), purges["url"]), holdover.ErrUnconfirmed)
		require.Error(t, one.Close(), "the purge never reached the journal")
	})
}

// a journal that ignores its context.
type deafJournal struct {
	store.Journal
	hangs chan struct{}
}

func (d deafJournal) Read(context.Context, store.Position) (store.JournalPage, error) {
	<-d.hangs
	return store.JournalPage{}, errCut
}

func TestCloseHangs(t *testing.T) {
	d := deafJournal{memory.NewJournal(), make(chan struct{})}
	c, err := holdover.New(holdover.Config{Journal: d, CloseTimeout: time.Second})
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() { _ = c.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("Close with CloseTimeout 1 s still runs after 5 s")
	}
	close(d.hangs)
	<-ended
}

// caches with a memory store each and a journal for all.
func TestUnsafeWithOwnStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.NewJournal()
		o := newOrigin(answer(200, "first", "Cache-Control", "max-age=600"))
		var list []http.Handler
		for range 2 {
			c, err := holdover.New(holdover.Config{Journal: j})
			require.NoError(t, err)
			defer c.Close()
			list = append(list, c.Handler(o))
		}
		time.Sleep(time.Second)
		require.Equal(t, "first", get(list[0]).Body.String())
		o.set(answer(200, "second", "Cache-Control", "max-age=600"))
		ask(list[1], "POST", page1)
		time.Sleep(time.Second)
		require.Equal(t, "second", get(list[0]).Body.String())
	})
}

// HEAD and what was purged softly, or perhaps.
func TestHeadFreshensWhatWasPurgedSoftly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "first", "Cache-Control", "max-age=600"))
		c, err := holdover.New(holdover.Config{})
		require.NoError(t, err)
		defer c.Close()
		h := c.Handler(o)
		get(h)
		require.Contains(t, status(get(h)), "; hit")
		require.NoError(t, c.Purge(t.Context(), purges["soft url"]))
		o.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			if r.Method != "HEAD" {
				fmt.Fprint(w, "second")
			}
		})
		ask(h, "HEAD", page1)
		time.Sleep(time.Second)
		w := get(h)
		require.Equal(t, "second", w.Body.String(), "%s", status(w))
	})
}

func TestHeadFreshensUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		f.stored(one)
		f.journal.replace(memory.NewJournal())
		time.Sleep(time.Second)
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			if r.Method != "HEAD" {
				fmt.Fprint(w, "second")
			}
		})
		ask(two.h, "HEAD", page1)
		time.Sleep(time.Second)
		w := get(two.h)
		require.Equal(t, "second", w.Body.String(), "%s", status(w))
	})
}

// a 304 that names another representation validates nothing.
func TestForeign304OfUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "Cache-Control", "max-age=600, stale-if-error=600", "Etag", `"one"`)
		one := f.start()
		defer f.stop(one)
		f.stored(one)
		f.journal.replace(memory.NewJournal())
		time.Sleep(time.Second)
		f.origin.set(answer(304, "", "Etag", `"two"`))
		w := get(one.h)
		require.NotEqual(t, "first", w.Body.String(), "%s", status(w))
	})
}

// the answer to a POST, stored, and a journal that was lost meanwhile.
func TestRepresentationOverALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			body := "of the POST"
			if r.Method == "POST" {
				w.Header().Set("Content-Location", "/page")
				// While it works, somebody purges the page, and the journal is lost with the purge.
				time.Sleep(50 * time.Millisecond)
				f.journal.cut.Store(true)
				lost := memory.NewJournal()
				_ = lost
				f.journal.replace(memory.NewJournal())
				f.journal.cut.Store(false)
				time.Sleep(time.Second)
			} else {
				body = "after the purge"
			}
			w.Header().Set("Cache-Control", "max-age=600")
			fmt.Fprint(w, body)
		})
		ask(one.h, "POST", page1)
		time.Sleep(time.Second)
		require.EqualValues(t, 1, one.Stats().JournalLosses)
		require.Equal(t, "after the purge", get(one.h).Body.String())
	})
}

// who joins a fetch that began before a loss.
func TestJoinsAFetchFromBeforeALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		defer f.stop(one)
		gate := make(chan struct{})
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			if f.origin.calls.Load() == 1 {
				<-gate
				fmt.Fprint(w, "before the loss")
				return
			}
			fmt.Fprint(w, "after the loss")
		})
		var wg sync.WaitGroup
		wg.Go(func() { get(one.h) })
		time.Sleep(time.Second)
		f.journal.replace(memory.NewJournal()) // lost, with a purge of the page
		time.Sleep(time.Second)
		require.EqualValues(t, 1, one.Stats().JournalLosses)
		var body string
		wg.Go(func() { body = get(one.h).Body.String() })
		time.Sleep(time.Second)
		close(gate)
		wg.Wait()
		require.Equal(t, "after the loss", body)
	})
}

// the first read of a journal that was lost since the start (A3 at the root).
func TestStartWithoutTheJournalThenALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		two := f.start()
		half := &cuttable{}
		half.replace(*f.journal.journal.Load())
		half.cut.Store(true)
		one := startWith(t, f, half)
		defer f.stop(one, two)
		f.stored(one)
		f.now(200, "second")
		require.NoError(t, two.Purge(t.Context(), purges["url"]))
		time.Sleep(time.Second)
		half.replace(memory.NewJournal()) // flushed
		half.cut.Store(false)
		time.Sleep(time.Second)
		require.Equal(t, "second", get(one.h).Body.String())
	})
}

// renewing a journal that doesn't change.
type frozen struct {
	store.Journal
	reads atomic.Int64
	back  atomic.Bool
}

func (j *frozen) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	j.reads.Add(1)
	if j.back.Load() { // a replica that lags
		page, err := j.Journal.Read(ctx, store.Position{})
		page.Marks = page.Marks[:1]
		return page, err
	}
	return j.Journal.Read(ctx, from)
}

func (j *frozen) Renew(context.Context, [16]byte) error { return nil }

func TestRenewLoops(t *testing.T) {
	j := &frozen{Journal: memory.NewJournal()}
	c, err := holdover.New(holdover.Config{Journal: j})
	require.NoError(t, err)
	for _, tag := range []string{"a", "b"} {
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{Tag: tag}))
	}
	time.Sleep(500 * time.Millisecond)
	j.back.Store(true)
	j.reads.Store(0)
	time.Sleep(time.Second)
	n := j.reads.Load()
	ended := make(chan struct{})
	go func() { _ = c.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
		t.Error("Close hangs")
	}
	j.back.Store(false)
	<-ended
	require.Less(t, n, int64(100), "reads in a second")
}

// at the start the journal hangs, and the store is blamed.
func TestTheStoreIsBlamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		f.stored(one)
		f.stop(one)
		f.journal.hangs.Store(true)
		var ev events
		c, err := holdover.New(holdover.Config{Store: ctxStore{f.store}, Journal: f.journal, OnEvent: ev.add})
		require.NoError(t, err)
		defer c.Close()
		get(c.Handler(f.origin))
		for _, e := range ev.of(holdover.EventStoreError) {
			t.Errorf("the store works: %v", e.Err)
		}
	})
}

// ctxStore obeys its context as remote stores do.
type ctxStore struct{ store.Store }

func (s ctxStore) Get(ctx context.Context, key string) (*store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, &store.Error{Store: "remote", Op: "get", Err: err}
	}
	return s.Store.Get(ctx, key)
}
