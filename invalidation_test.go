// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// writing sends POST to a handler of its own and all else to a page that counts.
func writing(post http.HandlerFunc) http.Handler {
	o := counting("Cache-Control", "max-age=60")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			post(w, r)
			return
		}
		o.ServeHTTP(w, r)
	})
}

// Who has seen that a write succeeded isn't given the page of before, also while the
// handler of the write still runs.
func TestInvalidationAtTheHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		gone   bool
	}{"ok": {200, true}, "redirect": {303, true}, "denied": {403, false}, "failed": {500, false}} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				release := make(chan struct{})
				s, client := server(t, newCache(t, holdover.Config{}).Handler(writing(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(tt.status)
					_ = http.NewResponseController(w).Flush()
					<-release
				})), proto)
				client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				visit := func() string {
					res, err := over(t, client, "GET", s.URL)
					require.NoError(t, err)
					return res.body
				}
				require.Equal(t, "1", visit())
				res, err := client.Post(s.URL, "text/plain", nil)
				require.NoError(t, err)
				defer res.Body.Close()
				defer close(release)
				require.Equal(t, tt.gone, visit() == "2")
			})
		})
	}
}

// A write whose answer breaks off has been made all the same.
func TestInvalidationByAbortedWrites(t *testing.T) {
	for name, post := range map[string]http.HandlerFunc{
		"abort": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); panic(http.ErrAbortHandler) },
		"panic": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("half")); panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newCache(t, holdover.Config{}).Handler(writing(post))
			require.Equal(t, "1", get(h).Body.String())
			require.NotNil(t, recovered(func() { ask(h, "POST", page1) }))
			require.Equal(t, "2", get(h).Body.String())
		})
	}
}

// What was fetched while a write was answered may be of before: it is gone once the
// write has returned.
func TestInvalidationOfWhatIsFetchedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{Detach: detached}).Handler(writing(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			time.Sleep(2 * time.Second)
		}))
		require.Equal(t, "1", get(h).Body.String())
		go ask(h, "POST", page1)
		time.Sleep(time.Second)
		require.Equal(t, "2", get(h).Body.String())
		time.Sleep(2 * time.Second)
		require.Equal(t, "3", get(h).Body.String())
		require.Equal(t, "3", get(h).Body.String())
	})
}

// hung is a store that can't be reached.
type hung struct{ lookups atomic.Int64 }

func (s *hung) Get(ctx context.Context, _ string) (*store.Entry, error) {
	s.lookups.Add(1)
	<-ctx.Done()
	return nil, ctx.Err()
}
func (s *hung) Set(ctx context.Context, _ string, _ *store.Entry) error { return ctx.Err() }
func (s *hung) Delete(ctx context.Context, _ string) error              { return ctx.Err() }

// A write costs one look into the store, and is told once.
func TestInvalidationLooksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &hung{}
		c := newCache(t, holdover.Config{Store: s, StoreTimeout: 2 * time.Second, Detach: detached})
		began := time.Now()
		require.Equal(t, 200, ask(c.Handler(writing(answer(200, ""))), "POST", page1).Code)
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		require.Zero(t, s.lookups.Load(), "an unsafe request waits for no store")
	})
	var ev events
	h := newCache(t, holdover.Config{OnEvent: ev.add}).Handler(writing(answer(200, "")))
	get(h)
	ask(h, "POST", page1)
	require.Len(t, ev.of(holdover.EventDropped), 1)
}

// A purge reaches those who wait: they aren't given the purged copy, and wait for the
// origin as if there had been none.
func TestPurgeReachesWhoWaits(t *testing.T) {
	for _, takes := range []time.Duration{200 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond, 10 * time.Second} {
		for name, p := range map[string]holdover.PurgeRequest{"url": {URL: page1}, "tag": {Tag: "a"}, "all": {All: true}} {
			t.Run(takes.String()+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=600", "Cache-Groups", `"a"`, "Etag", `"1"`))
					c := newCache(t, holdover.Config{Detach: detached})
					h := c.Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					o.set(slowly(takes, answer(200, "new")))
					time.AfterFunc(100*time.Millisecond, func() { purge(t, c, p) })
					together(3, func(int) {
						w := get(h)
						require.Equal(t, 200, w.Code)
						require.Equal(t, "new", w.Body.String())
					})
				})
			})
		}
	}
}

// … nor does a failure bring it back.
func TestPurgedCopyStandsInForNoFailure(t *testing.T) {
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=600"))
				c := newCache(t, holdover.Config{Detach: detached})
				h := c.Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(200 * time.Millisecond)
					failure(w, r)
				})
				time.AfterFunc(100*time.Millisecond, func() { purge(t, c, holdover.PurgeRequest{URL: page1}) })
				w, _, _ := tried(h)
				require.NotContains(t, w.Body.String(), "old")
			})
		})
	}
}

func TestPurgeAfterClose(t *testing.T) {
	c := newCache(t, holdover.Config{})
	require.NoError(t, c.Close())
	for _, p := range []holdover.PurgeRequest{{URL: page1}, {Tag: "a", Soft: true}, {All: true}} {
		require.ErrorIs(t, c.Purge(t.Context(), p), holdover.ErrClosed)
	}
}
