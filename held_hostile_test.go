// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// withTimeout is http.TimeoutHandler, which gives nothing on before the handler has returned.
func withTimeout(next http.Handler) http.Handler {
	return http.TimeoutHandler(next, 2*time.Second, "too late")
}

// An origin that hangs is only probed behind a writer that gives nothing on before ServeHTTP
// returns, too: what is given up there for the stale answer's sake counts as a failure.
func TestTrickleBehindTimeoutHandler(t *testing.T) { trickleBehind(t, withTimeout, 10) }

func TestTrickleBehindBufferedWriter(t *testing.T) {
	trickleBehind(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(buffered{w}, r) })
	}, 1)
}

func trickleBehind(t *testing.T, writer func(http.Handler) http.Handler, pages int) {
	for _, control := range []string{windowed, "max-age=1, stale-while-revalidate=600"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const seconds = 20
				s := holdovertest.NewOrigin(answer(200, "page", "Cache-Control", control))
				h := writer(recycling(newCache(t, holdover.Config{}).Handler(s)))
				for i := range pages {
					ask(h, "GET", pageURL(i))
				}
				time.Sleep(3 * time.Second)
				s.Behave(holdovertest.Hang())
				from := time.Now()
				for i := range (2 + seconds) * 100 {
					go ask(h, "GET", pageURL(i%pages))
					time.Sleep(10 * time.Millisecond)
				}
				asked := len(s.Requests().Between(from.Add(2*time.Second), time.Now()))
				time.Sleep(2 * time.Minute)
				require.LessOrEqual(t, asked, max(seconds, seconds*pages/5)+2)
			})
		})
	}
}

// OnEvent is called outside all locks: a hook that asks for the very page that failed is answered.
func TestHookThatAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h http.Handler
		answered := make(chan int, 1)
		var took time.Duration
		first := true
		s := holdovertest.NewOrigin(answer(200, "page", "Cache-Control", windowed))
		s.Behave(holdovertest.Hang())
		h = newCache(t, holdover.Config{
			Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: 5 * time.Second}},
			OnEvent: func(e holdover.Event) {
				if e.Kind != holdover.EventFetch || e.Reason != holdover.ReasonTimeout || !first {
					return
				}
				first = false
				began := time.Now()
				w := get(h)
				took = time.Since(began)
				answered <- w.Code
			},
		}).Handler(s)
		go get(h)
		time.Sleep(4 * time.Second)
		s.Behave(nil)
		require.Equal(t, 200, <-answered)
		require.Zero(t, took)
		time.Sleep(time.Minute)
	})
}

// What is answered bit by bit and isn't stored is shown at once in place of a stored page, which it
// would never be complete in time to replace.
func TestStreamInPlaceOfPage(t *testing.T) {
	for _, control := range []string{windowed, "max-age=1"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "old", "Cache-Control", control))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				o.set(func(w http.ResponseWriter, r *http.Request) {
					setFields(w.Header(), []string{"Content-Type", "application/x-ndjson", "Cache-Control", "no-store"})
					for i := 0; i < 30 && r.Context().Err() == nil; i++ {
						_, _ = fmt.Fprintln(w, `{"n":1}`)
						w.(http.Flusher).Flush()
						time.Sleep(time.Second)
					}
				})
				client := &http.Client{Transport: holdovertest.InProcess(h)}
				for range 20 {
					time.Sleep(3 * time.Second)
					began := time.Now()
					resp, err := client.Get(page1)
					require.NoError(t, err)
					begin := make([]byte, 3)
					_, err = io.ReadFull(resp.Body, begin)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					require.Equal(t, `{"n`, string(begin))
					require.Zero(t, time.Since(began))
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A failure whose body doesn't end is not waited for behind a writer that gives nothing on before
// ServeHTTP returns: the stored page is there in time.
func TestSlowFailureBehindTimeoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "page", "Cache-Control", windowed))
		h := withTimeout(recycling(newCache(t, holdover.Config{}).Handler(o)))
		get(h)
		time.Sleep(5 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(503)
			w.(http.Flusher).Flush()
			slowly(10*time.Second, func(http.ResponseWriter, *http.Request) {})(w, r)
		})
		for range 20 {
			began := time.Now()
			require.Equal(t, 200, get(h).Code)
			require.LessOrEqual(t, time.Since(began), 520*time.Millisecond)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
	})
}
