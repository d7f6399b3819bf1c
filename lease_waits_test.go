// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

type tooLarge struct{ *line }

func (tooLarge) Set(context.Context, string, *store.Entry) error { return store.ErrTooLarge }

// what the store refuses (too large) is fetched by one process after the other.
func TestNobodyWaitsForWhatTheStoreRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{T: t, origin: newOrigin(nil)}
		to := newShared(t)
		for range 8 {
			l := &line{to: to, slow: time.Millisecond}
			cache, err := holdover.New(holdover.Config{Store: tooLarge{l}, Journal: to.contents().journal, FleetLease: true})
			require.NoError(t, err)
			c.caches, c.hs = append(c.caches, cache), append(c.hs, cache.Handler(c.origin))
		}
		time.Sleep(10 * time.Millisecond)
		c.slow(time.Second, answer(200, "page", minute...))
		_, took := c.all(1)
		assert.Less(t, took, 3*time.Second)
		for _, cache := range c.caches {
			require.NoError(t, cache.Close())
		}
	})
}

type slowJournal struct {
	*memory.Journal
	down atomic.Bool
	last atomic.Int64 // when it was called
}

func (j *slowJournal) Append(ctx context.Context, list []store.Mark) (store.Position, error) {
	if j.down.Load() {
		return store.Position{}, errors.New("down")
	}
	time.Sleep(200 * time.Millisecond)
	j.last.Store(time.Now().UnixNano())
	return j.Journal.Append(ctx, list)
}

// Close writes as many of the waiting marks as there is time for, and says how many are lost.
func TestCloseBoundsWhatIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{Journal: memory.NewJournal()}
		j.down.Store(true)
		cache, err := holdover.New(holdover.Config{Journal: j})
		require.NoError(t, err)
		for i := range 9_990 {
			_ = cache.Purge(t.Context(), holdover.PurgeRequest{URL: fmt.Sprint("http://a.example/", i)})
		}
		j.down.Store(false)
		err = cache.Close()
		closed := time.Now()
		time.Sleep(10 * time.Second)
		require.ErrorIs(t, err, holdover.ErrUnconfirmed)
		require.ErrorContains(t, err, "purges are lost")
		require.NotContains(t, err.Error(), "ignores its deadline")
		require.LessOrEqual(t, j.last.Load(), closed.UnixNano(), "not called after Close")
	})
}

// what other processes fetch is counted as fetches here.
func TestWhoWaitsCountsNoFetch(t *testing.T) {
	withCrew(t, 4, func(c *crew) {
		c.slow(300*time.Millisecond, answer(200, "page", minute...))
		c.all(10)
		time.Sleep(time.Second)
		var fetches, failures int64
		for _, cache := range c.caches {
			s := cache.Stats()
			fetches, failures = fetches+int64(s.Fetches), failures+int64(s.FetchFailures)
		}
		assert.EqualValues(t, c.origin.calls.Load(), fetches)
		assert.Zero(t, failures)
	})
}

// a response that was made after a long wait for another process counts its age from before.
func TestAgeWithoutTheWait(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		n := 0
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			n++
			if n == 1 {
				time.Sleep(8 * time.Second)
				answer(200, "mine", "Cache-Control", "private")(w, r)
				return
			}
			answer(200, "page", "Cache-Control", "max-age=5")(w, r)
		})
		done := make(chan struct{})
		go func() { defer close(done); get(c.hs[0]) }()
		time.Sleep(50 * time.Millisecond)
		get(c.hs[1])
		w := get(c.hs[1])
		assert.Contains(t, w.Header().Get("Cache-Status"), "hit")
		<-done
	})
}

// Who waited for another process doesn't look into the store by himself when it is done.
func TestWhoWaitsLooksOnce(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(300*time.Millisecond, answer(200, "page", minute...))
		before := c.lines[0].gets.Load() + c.lines[1].gets.Load()
		answers, _ := c.all(200)
		c.allSay("page", answers)
		require.Less(t, c.lines[0].gets.Load()+c.lines[1].gets.Load()-before, int64(2*200+40), "one look each at first, and few later")
	})
}

// Waiting for another process says nothing of the origin: neither its failure nor its delay.
func TestWaitingIsNoFailure(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(answer(200, "page", "Cache-Control", "max-age=60, stale-if-error=6000"))
		c.all(1)
		time.Sleep(2 * time.Minute)
		c.slow(4*time.Second, answer(200, "new", minute...))
		for range 4 { // attempts end after a second each, with the stale copy given
			c.all(1)
			time.Sleep(1200 * time.Millisecond)
		}
		asked := c.origin.calls.Load()
		var failures uint64
		for _, cache := range c.caches {
			failures += cache.Stats().FetchFailures
		}
		require.LessOrEqual(t, failures, uint64(asked-1), "whoever only waited has no failure")
	})
}

// The lease is given back when the response is in the store.
func TestLeaseOutlastsTheWrite(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.lines[0].slowSet, c.lines[1].slowSet = 80*time.Millisecond, 80*time.Millisecond
		c.slow(20*time.Millisecond, answer(200, "page", minute...))
		answers, _ := c.all(5)
		c.allSay("page", answers)
		require.EqualValues(t, 1, c.origin.calls.Load())
	})
}

// A request that another process's responses never fit is answered all the same.
func TestWhatNeverFitsIsFetched(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			w.Header().Set("Cache-Control", "max-age=1")
			_, _ = w.Write([]byte("page"))
		})
		stop := make(chan struct{})
		var others sync.WaitGroup
		others.Go(func() { // always a step ahead
			for {
				select {
				case <-stop:
					return
				default:
					get(c.hs[0])
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
		for range 20 {
			began := time.Now()
			require.Equal(t, "page", get(c.hs[1], "Cache-Control", "min-fresh=1").Body.String())
			require.Less(t, time.Since(began), time.Second)
			time.Sleep(70 * time.Millisecond)
		}
		close(stop)
		others.Wait()
	})
}
