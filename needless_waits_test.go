// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// slowAfter is a page that was stored, is stale, and has become slow.
func slowAfter(t *testing.T, slow http.HandlerFunc, control string) (*holdover.Cache, http.Handler, *origin) {
	o := newOrigin(answer(200, "old", "Cache-Control", control))
	c := newCache(t, holdover.Config{})
	h := c.Handler(o)
	get(h)
	time.Sleep(2 * time.Second)
	o.set(slow)
	return c, h, o
}

// While an origin fails, who may not probe doesn't wait for the probe of somebody else.
func TestNobodyWaitsForAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, o := slowAfter(t, unreachable(), windowed)
		for range 3 {
			require.Equal(t, "old", get(h).Body.String())
			time.Sleep(10 * time.Second)
		}
		o.set(slowly(time.Minute, answer(200, "new")))
		before := o.calls.Load()
		go get(h)
		time.Sleep(100 * time.Millisecond)
		require.EqualValues(t, 1, o.calls.Load()-before)
		began := time.Now()
		require.Equal(t, "old", get(h).Body.String())
		require.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
	})
}

// A handler that goes on after its attempt was given up keeps the page from being fetched, but
// not the stored one from being given.
func TestStaleBesideAHandlerThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, o := slowAfter(t, func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Second) }, windowed)
		require.Equal(t, "old", get(h).Body.String())
		time.Sleep(5 * time.Second)
		began := time.Now()
		require.Equal(t, "old", get(h).Body.String())
		require.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
		require.EqualValues(t, 2, o.calls.Load())
		time.Sleep(time.Minute)
	})
}

// Fetches behind are given up like others, so that a later one finds out when the origin is back.
func TestFetchesBehindAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		_, h, _ := slowAfter(t, func(_ http.ResponseWriter, r *http.Request) {
			began := time.Now()
			<-r.Context().Done()
			ended <- time.Since(began)
		}, "max-age=1, stale-while-revalidate=600")
		require.Equal(t, "old", get(h).Body.String())
		require.Equal(t, time.Second, <-ended)
	})
}

// Who asks after a purge doesn't wait for a fetch from before it.
func TestNobodyWaitsForAFetchFromBeforeAPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(10*time.Second, answer(200, "before", "Cache-Control", "max-age=60")))
		c := newCache(t, holdover.Config{})
		h := c.Handler(o)
		go get(h)
		time.Sleep(time.Second)
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{URL: page1}))
		o.set(answer(200, "after", "Cache-Control", "max-age=60"))
		began := time.Now()
		require.Equal(t, "after", get(h).Body.String())
		require.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
		require.Equal(t, "after", get(h).Body.String())
	})
}

// Who wants nothing to be stored fetches for himself: what others get is stored.
func TestNoStoreFetchesForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, o := slowAfter(t, slowly(300*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=60")), windowed)
		go get(h, "Cache-Control", "no-store")
		synctest.Wait()
		require.Equal(t, "new", get(h).Body.String())
		require.EqualValues(t, 3, o.calls.Load())
		require.True(t, hit(get(h).Header()))
		require.EqualValues(t, 3, o.calls.Load())
	})
}

// Those who wait when the cache is closed are told so; the handler isn't called for each of them.
func TestWhoWaitsAtCloseIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(time.Minute, answer(200, "late", "Cache-Control", "max-age=60")))
		c := newCache(t, holdover.Config{})
		h := c.Handler(o)
		time.AfterFunc(time.Second, func() { _ = c.Close() })
		together(10, func(int) { require.Equal(t, 503, get(h).Code) })
		require.EqualValues(t, 1, o.calls.Load())
	})
}

// A stored page outranks a grant that was given while there was none.
func TestStaleOutranksAnEarlierGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote()
		policy, _ := letIn(t)
		here := newCache(t, holdover.Config{Store: s, Policy: policy}).Handler(answer(504, "down"))
		there := newCache(t, holdover.Config{Store: s}).Handler(answer(200, "page", "Cache-Control", windowed))
		require.Equal(t, 202, get(here, "X-App-Id", "gold").Code)
		get(there)
		time.Sleep(2 * time.Second)
		require.Equal(t, "page", get(here, "X-App-Id", "gold").Body.String())
	})
}
