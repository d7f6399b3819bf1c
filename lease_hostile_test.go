// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// an outgrown body that trickles holds the lease: others get 504 after the hard timeout.
func TestOutgrownBodyGivesTheLeaseUp(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			chunk := make([]byte, 1<<20)
			for range 9 {
				_, _ = w.Write(chunk)
			}
			w.(http.Flusher).Flush()
			for range 300 { // a slow client, or a slow end
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
				_, _ = w.Write([]byte("."))
			}
		})
		ctx, leave := context.WithCancel(c.Context())
		var first sync.WaitGroup
		first.Go(func() {
			defer func() { _ = recover() }()
			c.hs[0].ServeHTTP(httptest.NewRecorder(), request("GET", page1).WithContext(ctx))
		})
		time.Sleep(time.Second)
		rec := httptest.NewRecorder()
		ctx2, leave2 := context.WithTimeout(c.Context(), 100*time.Second)
		func() {
			defer func() { _ = recover() }()
			c.hs[1].ServeHTTP(rec, request("GET", page1).WithContext(ctx2))
		}()
		leave2()
		leave()
		first.Wait()
		assert.Equal(t, 200, rec.Code)
	})
}

// a failed answer whose body never ends.
func TestFailedStreamGivesTheLeaseUp(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Attack") == "" {
				answer(200, "page", minute...)(w, r)
				return
			}
			w.WriteHeader(500)
			w.(http.Flusher).Flush()
			for range 300 {
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
				_, _ = w.Write([]byte("."))
			}
		})
		ctx, leave := context.WithCancel(c.Context())
		var first sync.WaitGroup
		first.Go(func() {
			defer func() { _ = recover() }()
			c.hs[0].ServeHTTP(httptest.NewRecorder(), request("GET", page1, "X-Attack", "1").WithContext(ctx))
		})
		time.Sleep(time.Second)
		began := time.Now()
		rec := get(c.hs[1])
		leave()
		first.Wait()
		assert.Equal(t, 200, rec.Code)
		assert.Less(t, time.Since(began), 5*time.Second)
	})
}

// what is stored but never fresh: each process waits for all others.
func TestNobodyWaitsForWhatIsNeverFresh(t *testing.T) {
	for _, cc := range []string{"no-cache", "max-age=0", "max-age=60"} {
		t.Run(cc, func(t *testing.T) {
			withCrew(t, 8, func(c *crew) {
				c.slow(time.Second, answer(200, "page", "Cache-Control", cc, "Etag", `"a"`))
				_, took := c.all(1)
				assert.Less(t, took, 3*time.Second)
			})
		})
	}
}

// variants, 8 processes each with another language, at the first fetch.
func TestNobodyWaitsForAllVariants(t *testing.T) {
	withCrew(t, 8, func(c *crew) {
		c.slow(5*time.Second, func(w http.ResponseWriter, r *http.Request) {
			answer(200, r.Header.Get("Accept-Language"), "Cache-Control", "max-age=60", "Vary", "Accept-Language")(w, r)
		})
		var asking sync.WaitGroup
		var bad atomic.Int64
		began := time.Now()
		for i, h := range c.hs {
			asking.Go(func() {
				w := get(h, "Accept-Language", fmt.Sprint("l", i))
				if w.Code != 200 {
					bad.Add(1)
				}
			})
		}
		asking.Wait()
		assert.Zero(t, bad.Load())
		assert.Less(t, time.Since(began), 16*time.Second)
	})
}

// a slow body that is being stored.
func TestSlowBodyIsNotWaitedForToTheEnd(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			for range 40 {
				_, _ = w.Write([]byte("0123456789"))
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		})
		var first sync.WaitGroup
		first.Go(func() { get(c.hs[0]) })
		time.Sleep(time.Second)
		rec := get(c.hs[1])
		first.Wait()
		assert.Equal(t, 200, rec.Code)
	})
}

// time spent waiting for another's lease is taken from the attempt, and its end counted
// as a failure of the origin.
func TestWaitingIsNoPartOfTheAttempt(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.origin.set(answer(200, "page", "Cache-Control", "max-age=60, stale-if-error=6000", "Etag", `"a"`))
		c.all(1)
		time.Sleep(2 * time.Minute)
		var n atomic.Int64
		// both need 0.8 s; the first one's answer is for nobody else
		c.slow(800*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				answer(200, "mine", "Cache-Control", "private")(w, r)
				return
			}
			answer(200, "new", minute...)(w, r)
		})
		var first sync.WaitGroup
		first.Go(func() { get(c.hs[0]) })
		time.Sleep(50 * time.Millisecond)
		get(c.hs[1])
		first.Wait()
		time.Sleep(1500 * time.Millisecond)
		assert.Zero(t, c.caches[1].Stats().FetchFailures)
		c.origin.set(answer(200, "new", minute...))
		assert.Equal(t, "new", get(c.hs[1]).Body.String())
	})
}

type deafLeaser struct {
	*line
	end chan struct{}
}

func (d *deafLeaser) Release(context.Context, string, store.Holder, store.Holder, time.Duration) error {
	<-d.end
	return nil
}

// a store that ignores its deadline in Release: Close never ends.
func TestCloseThoughReleaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newShared(t)
		l := &deafLeaser{&line{to: to, slow: time.Millisecond}, make(chan struct{})}
		cache, err := holdover.New(holdover.Config{Store: l, Journal: to.contents().journal, FleetLease: true, CloseTimeout: time.Second})
		require.NoError(t, err)
		h := cache.Handler(newOrigin(answer(200, "page", minute...)))
		assert.Equal(t, 200, get(h).Code)
		closed := make(chan error, 1)
		go func() { closed <- cache.Close() }()
		time.Sleep(time.Minute)
		select {
		case err := <-closed:
			require.ErrorContains(t, err, "ignores its deadline")
		default:
			t.Error("Close hangs for a minute")
		}
		close(l.end)
		synctest.Wait()
	})
}
