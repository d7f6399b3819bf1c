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

// Who has waited for a fetch that wasn't for him has so much less time to wait for the next one:
// the stored page is given after the soft timeout, not after two of them.
func TestSoftTimeoutCountsEarlierWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{SoftTimeout: 500 * time.Millisecond}}}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "" {
				slowly(300*time.Millisecond, answer(200, "mine", "Cache-Control", "private"))(w, r)
				return
			}
			slowly(time.Minute, answer(200, "new", "Cache-Control", "max-age=60"))(w, r)
		})
		go get(h, "Cookie", "own=1")
		synctest.Wait()
		began := time.Now()
		together(5, func(int) {
			require.Equal(t, "old", get(h).Body.String())
			require.Equal(t, 500*time.Millisecond, time.Since(began))
		})
		time.Sleep(time.Minute)
	})
}

// Nor does who joins a fetch wait longer for it than the one who began it.
func TestSoftTimeoutCountsFromTheBeginOfTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, o := slowAfter(t, slowly(time.Minute, answer(200, "new")), windowed)
		began := time.Now()
		together(5, func(i int) {
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			require.Equal(t, "old", get(h).Body.String())
			require.Equal(t, 500*time.Millisecond, time.Since(began))
		})
		require.EqualValues(t, 2, o.calls.Load())
		time.Sleep(time.Minute)
	})
}

// An origin that answers everything with 304s of other responses, while another process stores the
// page again and again, is asked by those who waited for one of them once more, together, and by
// nobody a third time.
func TestForeign304sAreAskedForOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newRemote(), newOrigin(nil)
		here := newCache(t, holdover.Config{Store: s}).Handler(o)
		there := newCache(t, holdover.Config{Store: s}).
			Handler(answer(200, "page", "Cache-Control", "max-age=1, must-revalidate", "Etag", `"1"`))
		get(there)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			answer(304, "", "Cache-Control", "max-age=1, must-revalidate", "Etag", `"other"`)(w, r)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(6 * time.Second) // it keeps its key for a while
		})
		time.Sleep(2 * time.Second)
		for range 4 {
			go func() { require.Equal(t, 502, get(here).Code) }()
		}
		for range 4 {
			time.Sleep(3 * time.Second)
			get(there)
		}
		time.Sleep(time.Minute)
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// The 304 by which the origin renews a stored page is never sent on, though its handler goes on.
func TestOurOwn304WhoseHandlerGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "page", "Cache-Control", "max-age=1", "Etag", `"1"`))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			answer(304, "", "Cache-Control", "max-age=60", "Etag", `"1"`)(w, r)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		})
		together(3, func(int) {
			w := get(h)
			require.Equal(t, 200, w.Code)
			require.Equal(t, "page", w.Body.String())
		})
		require.EqualValues(t, 2, o.calls.Load())
	})
}
