// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// A fetch that hangs since the origin failed is raced after the recovery, if asking twice does no
// harm; a POST is sent once, however long it takes.
func TestOnlySafeMethodsAreRaced(t *testing.T) {
	for method, calls := range map[string]int64{"GET": 2, "POST": 1} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				var down atomic.Bool
				down.Store(true)
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Methods: []string{"GET", "POST"}}}).
					Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						switch {
						case r.URL.Path == "/page":
							asked.Add(1)
							slowly(20*time.Second, answer(200, "late", "Cache-Control", "max-age=60"))(w, r)
						case down.Load():
							unreachable()(w, r)
						default:
							answer(200, "other", "Cache-Control", "max-age=60")(w, r)
						}
					}))
				go ask(h, method, page1)
				time.Sleep(time.Second)
				for i := range 3 {
					require.Equal(t, 502, ask(h, "GET", pageURL(i)).Code)
				}
				time.Sleep(time.Second)
				down.Store(false)
				require.Equal(t, 200, ask(h, "GET", pageURL(0)).Code)
				time.Sleep(time.Second)
				go ask(h, method, page1)
				synctest.Wait()
				require.Equal(t, calls, asked.Load())
				time.Sleep(time.Minute)
			})
		})
	}
}

// Without a copy nobody races a fetch for being slow: there is nothing that an attempt of its own
// could be given up for.
func TestWithoutACopyNobodyRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{})
		h := c.Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(slowly(20*time.Second, answer(200, "new", "Cache-Control", "max-age=60")))
		require.Equal(t, "old", get(h).Body.String())
		time.Sleep(10 * time.Second) // the attempt was given up
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{URL: page1}))
		go get(h)
		time.Sleep(5 * time.Second)
		require.Equal(t, "new", get(h).Body.String())
		require.EqualValues(t, 3, o.calls.Load())
	})
}

// What isn't safe is never fetched behind: a POST whose answer is stale is sent in front, as it is.
func TestUnsafeMethodsAreRevalidatedInFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Value
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-while-revalidate=600"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Methods: []string{"GET", "POST"}}}).Handler(o)
		post := func() string { return ask(h, "POST", page1).Body.String() }
		require.Equal(t, "old", post())
		require.Equal(t, "old", post())
		require.EqualValues(t, 1, o.calls.Load())
		time.Sleep(2 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r.Method)
			answer(200, "new", "Cache-Control", "max-age=1, stale-while-revalidate=600")(w, r)
		})
		require.Equal(t, "new", post())
		require.Equal(t, "POST", asked.Load())
	})
}
