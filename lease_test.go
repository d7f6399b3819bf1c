// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
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

// shared is a store outside of the process, with a journal and leases.
type shared struct{ now atomic.Pointer[contents] }

type contents struct {
	*memory.Store
	journal *memory.Journal
}

func newShared(t *testing.T) *shared {
	s := &shared{}
	s.lose(t)
	return s
}

// lose empties it.
func (s *shared) lose(t *testing.T) {
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	s.now.Store(&contents{m, memory.NewJournal()})
}

func (s *shared) contents() *contents { return s.now.Load() }

// line is a process's connection to the shared store.
type line struct {
	to    *shared
	cut   atomic.Bool
	hangs atomic.Bool
	slow  time.Duration // of each call
	gets  atomic.Int64

	slowSet   time.Duration // of each Set
	slowLease time.Duration // of each Lease
	asked     atomic.Int64  // for leases
}

var errLine = errors.New("cut off")

func (l *line) reach(ctx context.Context) error {
	if l.cut.Load() {
		return errLine
	}
	slow := l.slow
	if l.hangs.Load() {
		slow = time.Hour
	}
	select {
	case <-time.After(slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) Get(ctx context.Context, key string) (*store.Entry, error) {
	l.gets.Add(1)
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	return l.to.contents().Get(ctx, key)
}

func (l *line) Set(ctx context.Context, key string, e *store.Entry) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	select {
	case <-time.After(l.slowSet):
		return l.to.contents().Set(ctx, key, e)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) Delete(ctx context.Context, key string) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	return l.to.contents().Delete(ctx, key)
}

func (l *line) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	l.asked.Add(1)
	time.Sleep(l.slowLease)
	if err := l.reach(ctx); err != nil {
		return store.Holder{}, err
	}
	return l.to.contents().Lease(ctx, key, holder, d)
}

func (l *line) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	return l.to.contents().Release(ctx, key, holder, note, d)
}

// crew is processes that lease keys to each other, on a virtual clock.
type crew struct {
	*testing.T
	origin *origin
	lines  []*line
	caches []*holdover.Cache
	hs     []http.Handler
}

func withCrew(t *testing.T, n int, f func(*crew)) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{T: t, origin: newOrigin(nil)}
		to := newShared(t)
		for range n {
			l := &line{to: to, slow: time.Millisecond}
			cache, err := holdover.New(holdover.Config{Store: l, Journal: to.contents().journal, FleetLease: true, MaxVariants: 1 << 30})
			require.NoError(t, err)
			c.lines, c.caches, c.hs = append(c.lines, l), append(c.caches, cache), append(c.hs, cache.Handler(c.origin))
		}
		time.Sleep(250 * time.Millisecond) // the journal is read, with everybody's presence
		f(c)
		for _, cache := range c.caches {
			require.NoError(t, cache.Close())
		}
	})
}

// slow makes the origin need that long.
func (c *crew) slow(d time.Duration, h http.HandlerFunc) {
	c.origin.set(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			h(w, r)
		case <-r.Context().Done():
		}
	})
}

// all asks in all processes at once, each times over, and returns the answers and how long
// the last took.
func (c *crew) all(each int, fields ...string) (answers []*httptest.ResponseRecorder, took time.Duration) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	began := time.Now()
	for _, h := range c.hs {
		for range each {
			asking.Go(func() {
				w := get(h, fields...)
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, w)
			})
		}
	}
	asking.Wait()
	return answers, time.Since(began)
}

func (c *crew) allSay(body string, answers []*httptest.ResponseRecorder) {
	c.Helper()
	for _, w := range answers {
		require.Equal(c, body, w.Body.String(), w.Header())
	}
}

var minute = []string{"Cache-Control", "max-age=60, stale-if-error=600"}

func TestOneFetchInTheFleet(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		c.slow(300*time.Millisecond, answer(200, "page", minute...))
		answers, took := c.all(50)
		c.allSay("page", answers)
		require.EqualValues(c, 1, c.origin.calls.Load())
		require.Less(c, took, 700*time.Millisecond, "the wait is little longer than the fetch")
		var asked int64
		for _, l := range c.lines {
			asked += l.asked.Load()
		}
		require.Less(c, asked, int64(30), "one of each process waits")
	})
}

// A fetch that takes longer than a lease lasts keeps it.
func TestLeaseIsProlonged(t *testing.T) {
	withCrew(t, 3, func(c *crew) {
		c.slow(9*time.Second, answer(200, "page", minute...))
		answers, _ := c.all(5)
		c.allSay("page", answers)
		require.EqualValues(c, 1, c.origin.calls.Load())
	})
}

// The process that fetches dies: another takes over.
func TestLeaseIsTakenOver(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		dead := make(chan struct{})
		var first sync.Once
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			hangs := false
			first.Do(func() { hangs = true })
			if hangs {
				<-dead
				return
			}
			answer(200, "page", minute...)(w, r)
		})
		ctx, leave := context.WithCancel(c.Context())
		var killed sync.WaitGroup
		victim := c.hs[0]
		killed.Go(func() { victim.ServeHTTP(httptest.NewRecorder(), request("GET", page1).WithContext(ctx)) })
		time.Sleep(100 * time.Millisecond)
		c.lines[0].cut.Store(true)
		c.hs = c.hs[1:]
		answers, took := c.all(50)
		c.allSay("page", answers)
		require.Less(c, took, 3*time.Second)
		require.EqualValues(c, 2, c.origin.calls.Load())
		close(dead)
		leave()
		killed.Wait()
	})
}

// Without the store everybody fetches.
func TestNoLeaseWithoutTheStore(t *testing.T) {
	withCrew(t, 3, func(c *crew) {
		c.slow(300*time.Millisecond, answer(200, "page", minute...))
		for _, l := range c.lines {
			l.cut.Store(true)
		}
		answers, took := c.all(10)
		c.allSay("page", answers)
		require.EqualValues(c, 3, c.origin.calls.Load())
		require.Less(c, took, 500*time.Millisecond)
	})
}

// Nobody waits for a response that isn't for him, longer than to learn that.
func TestPrivateResponsesAreNotWaitedFor(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(300 * time.Millisecond)
			w.Header().Set("Cache-Control", "private")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			time.Sleep(2 * time.Second)
			_, _ = w.Write([]byte("mine"))
		})
		answers, took := c.all(1)
		c.allSay("mine", answers)
		require.EqualValues(c, 4, c.origin.calls.Load())
		require.Less(c, took, 3*time.Second, "all at once after the first header")
	})
}

// A failing origin is asked by each process at most, without one waiting for the other; with
// a copy they take the one's word for it.
func TestFailuresInTheFleet(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		c.slow(300*time.Millisecond, answer(503, "down"))
		answers, took := c.all(10)
		c.allSay("down", answers)
		require.LessOrEqual(c, c.origin.calls.Load(), int64(4))
		require.Less(c, took, 1200*time.Millisecond)
	})
	withCrew(t, 4, func(c *crew) {
		c.origin.set(answer(200, "page", minute...))
		c.all(1)
		time.Sleep(2 * time.Minute)
		c.origin.calls.Store(0)
		c.slow(200*time.Millisecond, answer(503, "down"))
		answers, took := c.all(10)
		c.allSay("page", answers)
		require.EqualValues(c, 1, c.origin.calls.Load(), "who has a copy needn't see for himself")
		require.Less(c, took, time.Second)
	})
}

// Revalidation behind a stale answer is made once too.
func TestOneRevalidationInTheFleet(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		fields := []string{"Cache-Control", "max-age=60, stale-while-revalidate=600"}
		c.origin.set(answer(200, "old", fields...))
		c.all(1)
		time.Sleep(2 * time.Minute)
		c.origin.calls.Store(0)
		c.slow(300*time.Millisecond, answer(200, "new", fields...))
		answers, took := c.all(10)
		c.allSay("old", answers)
		require.Less(c, took, 100*time.Millisecond, "nobody waits for it")
		time.Sleep(2 * time.Second)
		require.EqualValues(c, 1, c.origin.calls.Load())
		answers, _ = c.all(1)
		c.allSay("new", answers)
		require.EqualValues(c, 1, c.origin.calls.Load())
	})
}

// Each variant is fetched once.
func TestVariantsInTheFleet(t *testing.T) {
	withCrew(t, 3, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(200 * time.Millisecond)
			w.Header().Set("Vary", "Accept-Language")
			answer(200, r.Header.Get("Accept-Language"), minute...)(w, r)
		})
		c.all(1, "Accept-Language", "de")
		c.origin.calls.Store(0)
		for _, language := range []string{"en", "fr"} {
			answers, _ := c.all(10, "Accept-Language", language)
			c.allSay(language, answers)
		}
		require.EqualValues(c, 2, c.origin.calls.Load())
	})
}

// What was purged while its fetch ran is no answer for who waits in another process.
func TestPurgeWhileAnotherProcessFetches(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(time.Second, answer(200, "old", minute...))
		var first, second *httptest.ResponseRecorder
		var asking sync.WaitGroup
		asking.Go(func() { first = get(c.hs[0]) })
		time.Sleep(100 * time.Millisecond)
		asking.Go(func() { second = get(c.hs[1]) })
		time.Sleep(100 * time.Millisecond)
		c.origin.set(answer(200, "new", minute...))
		require.NoError(c, c.caches[1].Purge(c.Context(), holdover.PurgeRequest{URL: page1}))
		asking.Wait()
		require.Equal(c, "old", first.Body.String(), "it asked before the purge")
		require.Equal(c, "new", second.Body.String())
	})
}

// A client that wants to see for itself does.
func TestDirectivesTakeNoLease(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(answer(200, "page", minute...))
		c.all(1)
		calls, asked := c.origin.calls.Load(), c.lines[0].asked.Load()
		get(c.hs[0], "Cache-Control", "no-cache")
		require.Equal(c, calls+1, c.origin.calls.Load())
		require.Equal(c, asked, c.lines[0].asked.Load())
	})
}

// Clients that leave don't end the fetch that others wait for.
func TestHoldersClientLeaves(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(time.Second, answer(200, "page", minute...))
		ctx, leave := context.WithCancel(c.Context())
		var asking sync.WaitGroup
		asking.Go(func() { c.hs[0].ServeHTTP(httptest.NewRecorder(), request("GET", page1).WithContext(ctx)) })
		time.Sleep(100 * time.Millisecond)
		asking.Go(func() { require.Equal(c, "page", get(c.hs[1]).Body.String()) })
		leave()
		asking.Wait()
		require.EqualValues(c, 1, c.origin.calls.Load())
	})
}

// Closing gives leases back: nobody has to wait until they end.
func TestCloseGivesLeasesBack(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(time.Hour, answer(200, "page"))
		go get(c.hs[0])
		time.Sleep(100 * time.Millisecond)
		require.NoError(c, c.caches[0].Close())
		c.origin.set(answer(200, "page", minute...))
		began := time.Now()
		require.Equal(c, "page", get(c.hs[1]).Body.String())
		require.Less(c, time.Since(began), 100*time.Millisecond)
	})
}

func TestFleetLeaseNeedsAStoreThatLeases(t *testing.T) {
	_, err := holdover.New(holdover.Config{Store: newRemote(), FleetLease: true})
	var wrong *holdover.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "FleetLease", wrong.Field)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = holdover.New(holdover.Config{FleetLease: true})
	require.ErrorContains(t, err, "in this process")
}

// A store that is slow to take the response keeps nobody waiting.
func TestLeaseEndsThoughTheWriteHangs(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.lines[0].slowSet = time.Hour
		c.slow(100*time.Millisecond, answer(200, "page", minute...))
		answers, took := c.all(10)
		c.allSay("page", answers)
		require.Less(t, took, 600*time.Millisecond)
	})
}

// Who gets the lease of another that has just finished looks once more.
func TestLeaseThatWasJustGivenBack(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(20*time.Millisecond, answer(200, "page", minute...))
		c.lines[1].slowLease = 40 * time.Millisecond // it looks before the response is there, and asks after
		answers, _ := c.all(1)
		c.allSay("page", answers)
		require.EqualValues(t, 1, c.origin.calls.Load())
	})
}
