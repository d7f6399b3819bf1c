// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

type poolKey struct{}

// pooling is a router in miniature: it keeps something in the request's context that
// it takes back when ServeHTTP returns, and notes whether a handler still uses it then.
type pooling struct {
	next     http.Handler
	misused  atomic.Int64
	returned chan struct{} // one for each ServeHTTP
}

type pooled struct{ live atomic.Bool }

func newPooling(next http.Handler) *pooling {
	return &pooling{next: next, returned: make(chan struct{}, 100)}
}

func (p *pooling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &pooled{}
	v.live.Store(true)
	defer func() {
		v.live.Store(false)
		p.returned <- struct{}{}
	}()
	p.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), poolKey{}, v)))
}

// use is called by a handler at its end.
func (p *pooling) use(r *http.Request) {
	if !r.Context().Value(poolKey{}).(*pooled).live.Load() {
		p.misused.Add(1)
	}
}

// Where the context isn't the server's alone, a revalidation behind holds the request
// open on HTTP/1: the client has its answer at once, and the connection ends.
func TestHTTPHoldRevalidatesBehind(t *testing.T) {
	gate, entered := make(chan struct{}), make(chan struct{}, 10)
	open := sync.OnceFunc(func() { close(gate) })
	var router *pooling
	o := newOrigin(answer(200, "old", "Cache-Control", "max-age=0, stale-while-revalidate=60"))
	h := newCache(t, holdover.Config{}).Handler(o)
	router = newPooling(h)
	s, client := server(t, router, 1)
	t.Cleanup(open)
	res, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.Equal(t, "old", res.body)
	after(t, router.returned, "ServeHTTP's return")
	o.set(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-gate
		answer(200, "new", "Cache-Control", "max-age=60")(w, r)
		router.use(r)
	})
	res, err = over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.NoError(t, res.err)
	require.Equal(t, "old", res.body)
	require.True(t, res.Close, "Connection: close")
	after(t, entered, "the fetch")
	select {
	case <-router.returned:
		require.Fail(t, "ServeHTTP returned before the handler")
	case <-time.After(30 * time.Millisecond):
	}
	res, err = over(t, client, "GET", s.URL) // others aren't held: the fetch isn't theirs
	require.NoError(t, err)
	require.Equal(t, "old", res.body)
	require.False(t, res.Close)
	after(t, router.returned, "another's ServeHTTP's return")
	open()
	after(t, router.returned, "the held ServeHTTP's return")
	res, err = over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.Equal(t, "new", res.body)
	require.Zero(t, router.misused.Load())
}

// unwrapping hides all optional methods behind Unwrap.
type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func TestHTTPHoldFlushesThroughWrappers(t *testing.T) {
	gate := make(chan struct{})
	o := newOrigin(answer(200, "old", "Cache-Control", "max-age=0, stale-while-revalidate=60"))
	h := newCache(t, holdover.Config{}).Handler(o)
	router := newPooling(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unwrapping{w}, r) }))
	s, client := server(t, router, 1)
	_, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	o.set(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		answer(200, "new")(w, r)
	})
	client.Timeout = 2 * time.Second
	defer close(gate)
	res, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.NoError(t, res.err)
	require.Equal(t, "old", res.body)
}

// On HTTP/2 nothing runs behind while a request is held: it revalidates itself.
func TestHTTPHoldOnHTTP2RevalidatesInForeground(t *testing.T) {
	var router *pooling
	o := newOrigin(answer(200, "old", "Cache-Control", "max-age=0, stale-while-revalidate=60, stale-if-error=60"))
	h := newCache(t, holdover.Config{}).Handler(o)
	router = newPooling(h)
	s, client := server(t, router, 2)
	_, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	after(t, router.returned, "ServeHTTP's return")
	o.set(func(w http.ResponseWriter, r *http.Request) { // too slow: at the soft timeout its context ends
		<-r.Context().Done()
		router.use(r)
	})
	res, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.Equal(t, "old", res.body)
	after(t, router.returned, "ServeHTTP's return")
	time.Sleep(1100 * time.Millisecond) // the key rests after its failure
	o.set(answer(200, "new", "Cache-Control", "max-age=60"))
	res, err = over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.Equal(t, "new", res.body)
	require.Zero(t, router.misused.Load())
}

// Detach makes both unnecessary.
func TestHTTPDetachRunsBehind(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		gate := make(chan struct{})
		open := sync.OnceFunc(func() { close(gate) })
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=0, stale-while-revalidate=60"))
		c := newCache(t, holdover.Config{Detach: func(ctx context.Context) context.Context {
			return context.WithValue(ctx, poolKey{}, &pooled{})
		}})
		router := newPooling(c.Handler(o))
		s, client := server(t, router, proto)
		t.Cleanup(open)
		_, err := over(t, client, "GET", s.URL)
		require.NoError(t, err)
		after(t, router.returned, "ServeHTTP's return")
		began, ended := make(chan struct{}), make(chan struct{})
		o.set(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			defer close(ended)
			<-gate
			if r.Context().Err() == nil {
				answer(200, "new", "Cache-Control", "max-age=60")(w, r)
			}
		})
		var res fetched
		require.Eventually(t, func() bool { // the first fetch may be about to end, and keeps its key until then
			res, err = over(t, client, "GET", s.URL)
			require.NoError(t, err)
			require.Equal(t, "old", res.body)
			require.False(t, res.Close)
			after(t, router.returned, "ServeHTTP's return")
			select {
			case <-began:
				return true
			case <-time.After(20 * time.Millisecond):
				return false
			}
		}, 5*time.Second, time.Millisecond)
		open()
		after(t, ended, "the handler's end")
		require.Eventually(t, func() bool {
			res, err = over(t, client, "GET", s.URL)
			return err == nil && res.body == "new"
		}, 2*time.Second, 5*time.Millisecond)
	})
}

// However a request ends before its handler, a context that isn't the server's alone
// stays in use until the handler has returned.
func TestHTTPHoldWhateverEndsFirst(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		first, second http.HandlerFunc
		leave         bool
		request       []string
	}{
		"client leaves before the header": {
			second: answer(200, "new", "Cache-Control", "max-age=60"), leave: true,
		},
		"client leaves midway": {
			second: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				_, _ = io.WriteString(w, big)
				_ = http.NewResponseController(w).Flush()
			}, leave: true,
		},
		"stale in place of an error status": {
			first:  answer(200, "old", "Cache-Control", "max-age=0, stale-if-error=60"),
			second: func(w http.ResponseWriter, r *http.Request) { answer(503, "bad")(w, r) },
		},
		"not modified for the client": {
			second: func(w http.ResponseWriter, r *http.Request) {
				answer(200, "new", "Cache-Control", "max-age=60", "Etag", `"1"`)(w, r)
				_ = http.NewResponseController(w).Flush()
			}, request: []string{"If-None-Match", `"1"`},
		},
		"soft timeout": {
			first:  answer(200, "old", "Cache-Control", "max-age=0, stale-if-error=60"),
			second: func(http.ResponseWriter, *http.Request) { time.Sleep(700 * time.Millisecond) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				o := newOrigin(tt.first)
				router := newPooling(newCache(t, holdover.Config{}).Handler(o))
				s, client := server(t, router, proto)
				if tt.first != nil {
					_, err := over(t, client, "GET", s.URL)
					require.NoError(t, err)
					after(t, router.returned, "ServeHTTP's return")
				}
				ended := make(chan struct{})
				entered := make(chan struct{})
				o.set(func(w http.ResponseWriter, r *http.Request) {
					defer close(ended)
					close(entered)
					tt.second(w, r)
					time.Sleep(100 * time.Millisecond)
					router.use(r)
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
				require.NoError(t, err)
				setFields(req.Header, tt.request)
				if tt.leave {
					go func() {
						<-entered
						time.Sleep(30 * time.Millisecond)
						cancel()
					}()
				}
				if res, err := client.Do(req); err == nil {
					if !tt.leave {
						_, _ = io.ReadAll(res.Body)
					}
					defer res.Body.Close()
				}
				after(t, ended, "the handler's end")
				after(t, router.returned, "ServeHTTP's return")
				require.Zero(t, router.misused.Load())
			})
		})
	}
}
