// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// A 304 to the cache's own validators is never what a client gets that didn't ask
// with a condition, also where the renewed response may not be stored.
func TestHTTPBare304NeverReachesUnconditionalClient(t *testing.T) {
	tests := map[string]struct {
		request []string // of the second request
		fields  []string // of the 304
	}{
		"renewed":             {nil, []string{"Cache-Control", "max-age=1"}},
		"request no-store":    {[]string{"Cache-Control", "no-store"}, []string{"Cache-Control", "max-age=1"}},
		"request no-cache":    {[]string{"Cache-Control", "no-cache"}, []string{"Cache-Control", "max-age=1"}},
		"authorization":       {[]string{"Authorization", "Bearer a"}, []string{"Cache-Control", "max-age=1"}},
		"cookie":              {[]string{"Cookie", "a=1"}, []string{"Cache-Control", "max-age=1"}},
		"response no-store":   {nil, []string{"Cache-Control", "no-store"}},
		"response private":    {nil, []string{"Cache-Control", "private"}},
		"response set-cookie": {nil, []string{"Set-Cookie", "a=1"}},
		"response vary star":  {nil, []string{"Vary", "*"}},
		"response vary":       {nil, []string{"Vary", "Accept"}},
		"range":               {[]string{"Range", "bytes=0-3"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, digits, "Cache-Control", "max-age=1, must-revalidate", "Etag", `"1"`))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-None-Match") != `"1"` {
						answer(200, digits, tt.fields...)(w, r)
						return
					}
					setFields(w.Header(), tt.fields)
					w.WriteHeader(http.StatusNotModified)
				})
				w := get(h, tt.request...)
				if name == "range" {
					require.Equal(t, http.StatusPartialContent, w.Code)
					require.Equal(t, digits[:4], w.Body.String())
					return
				}
				require.Equal(t, http.StatusOK, w.Code)
				require.Equal(t, digits, w.Body.String())
				require.EqualValues(t, 2, o.calls.Load())
			})
		})
	}
}

// RFC 9111 §4.3.4: a 304 that names another entity-tag updates nothing and validates nothing.
// What is stored may go out stale once more, if it may at all; the next request is made
// without its validators.
func TestHTTPForeign304(t *testing.T) {
	for directives, status := range map[string]int{
		"max-age=1": 200, "max-age=1, must-revalidate": 502, "no-cache": 502, "s-maxage=1": 502, "max-age=1, proxy-revalidate": 502,
	} {
		t.Run(directives, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "one", "Cache-Control", directives, "Etag", `"1"`, "X-A", "old"))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(func(w http.ResponseWriter, r *http.Request) {
					setFields(w.Header(), []string{"Cache-Control", "max-age=60", "X-A", "new", "Etag", `"2"`})
					if r.Header.Get("If-None-Match") != "" { // compares nothing
						w.WriteHeader(http.StatusNotModified)
						return
					}
					_, _ = io.WriteString(w, "two")
				})
				w := get(h)
				require.Equal(t, status, w.Code)
				require.NotContains(t, w.Header().Get("Cache-Status"), "stored")
				if status == 200 {
					require.Equal(t, "one", w.Body.String())
					require.Equal(t, "old", w.Header().Get("X-A"))
					require.Equal(t, `"1"`, w.Header().Get("Etag"))
				}
				require.Equal(t, "two", get(h).Body.String())
				require.EqualValues(t, 3, o.calls.Load())
			})
		})
	}
}

// RFC 9111 §3.2, §4.3.4: a 304 renews all fields but Content-Length, and restarts freshness.
func TestHTTPFreshening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, digits, "Cache-Control", "max-age=1", "Etag", `"1"`, "X-A", "old", "X-B", "old", "Content-Type", "text/x"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, `"1"`, r.Header.Get("If-None-Match"))
			setFields(w.Header(), []string{"Cache-Control", "max-age=10", "X-A", "new", "Content-Length", "3", "Content-Type", "text/y"})
			w.WriteHeader(http.StatusNotModified)
		})
		for i := range 2 {
			w := get(h)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, digits, w.Body.String())
			require.Equal(t, "new", w.Header().Get("X-A"))
			require.Equal(t, "old", w.Header().Get("X-B"))
			require.NotEqual(t, "3", w.Header().Get("Content-Length"))
			require.Equal(t, "text/y", w.Header().Get("Content-Type"))
			if i == 0 {
				require.Contains(t, w.Header().Get("Cache-Status"), "fwd-status=304")
			}
			time.Sleep(5 * time.Second)
		}
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// A client's condition beside our own validators: each gets its own answer.
func TestHTTPClientConditionAtRevalidation(t *testing.T) {
	for name, tt := range map[string]struct {
		match  string
		status int
	}{"same": {`"1"`, 304}, "other": {`"0"`, 200}, "both": {`"0", "1"`, 304}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, digits, "Cache-Control", "max-age=1", "Etag", `"1"`))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(func(w http.ResponseWriter, r *http.Request) {
					require.Equal(t, []string{`"1"`}, r.Header["If-None-Match"])
					w.Header().Set("Cache-Control", "max-age=1")
					w.WriteHeader(http.StatusNotModified)
				})
				w := get(h, "If-None-Match", tt.match)
				require.Equal(t, tt.status, w.Code)
				if tt.status == 200 {
					require.Equal(t, digits, w.Body.String())
				} else {
					require.Empty(t, w.Body.String())
				}
			})
		})
	}
}

// HEAD freshens what it describes, drops what it contradicts, and tells the others
// nothing about sharing.
func TestHTTPHeadAndStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, digits, "Cache-Control", "max-age=2", "Etag", `"1"`, "Content-Length", "10"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(3 * time.Second)
		require.Equal(t, 200, ask(h, "HEAD", page1).Code)
		require.EqualValues(t, 2, o.calls.Load())
		w := get(h)
		require.Equal(t, digits, w.Body.String())
		require.EqualValues(t, 2, o.calls.Load(), "freshened")

		time.Sleep(3 * time.Second)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Etag", `"2"`)
			if r.Method == "GET" {
				_, _ = io.WriteString(w, "new")
			}
		})
		require.Equal(t, 200, ask(h, "HEAD", page1).Code)
		before := o.calls.Load()
		for range 10 {
			go get(h)
		}
		time.Sleep(time.Second)
		require.Equal(t, "new", get(h).Body.String())
		require.EqualValues(t, before+1, o.calls.Load(), "still collapsed and stored")
	})
}

// RFC 9111 §4.3.2: without Last-Modified the stored Date is what If-Modified-Since is
// compared with.
func TestHTTPModifiedSinceDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, digits, "Cache-Control", "max-age=60"))
		h := newCache(t, holdover.Config{}).Handler(o)
		date, err := http.ParseTime(get(h).Header().Get("Date"))
		require.NoError(t, err)
		for offset, want := range map[time.Duration]int{-time.Second: 200, 0: 304, time.Second: 304} {
			w := get(h, "If-Modified-Since", date.Add(offset).Format(http.TimeFormat))
			require.Equal(t, want, w.Code, offset)
		}
		require.EqualValues(t, 1, o.calls.Load())
	})
}

// Who waits for a fetch whose 304 names another response has not asked yet himself: he asks
// for a whole one, once, and with the others.
func TestHTTPForeign304WithWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "one", "Cache-Control", "max-age=1, must-revalidate", "Etag", `"1"`))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		var always atomic.Bool
		o.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			setFields(w.Header(), []string{"Cache-Control", "max-age=1, must-revalidate", "Etag", fmt.Sprintf("%q", fmt.Sprint(o.calls.Load()))})
			if r.Header.Get("If-None-Match") != "" || always.Load() {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, "two")
		})
		crowd := func() (codes []int) {
			answers := make([]*httptest.ResponseRecorder, 10)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					answers[i] = get(h)
				})
			}
			wg.Wait()
			for _, w := range answers {
				codes = append(codes, w.Code)
			}
			return codes
		}
		require.Equal(t, []int{502, 200, 200, 200, 200, 200, 200, 200, 200, 200}, crowd())
		require.EqualValues(t, 3, o.calls.Load())
		time.Sleep(2 * time.Second)
		always.Store(true) // an origin that answers nothing else makes nobody wait for ever
		before := o.calls.Load()
		for _, code := range crowd() {
			require.NotEqual(t, 200, code)
		}
		require.LessOrEqual(t, o.calls.Load()-before, int64(11))
	})
}
