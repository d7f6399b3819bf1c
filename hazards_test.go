// SPDX-License-Identifier: MIT

package holdover_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// The ten classic mistakes of caching middleware, each with a test that fails where
// it is made.

func TestHazardSetCookieIsNotReplayed(t *testing.T) {
	for name, field := range map[string]string{"canonical": "Set-Cookie", "as net/http sends it too": "set-cookie"} {
		t.Run(name, func(t *testing.T) {
			n := 0
			h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Header().Set("Cache-Control", "max-age=60")
				w.Header()[field] = []string{fmt.Sprint("session=", n)}
				_, _ = io.WriteString(w, "hello")
			}))
			first := get(h)
			require.Contains(t, fmt.Sprint(first.Header()), "session=1")
			second := get(h)
			require.NotContains(t, fmt.Sprint(second.Header()), "session=1")
			require.Equal(t, 2, n, "refused by default: not stored")
		})
	}
}

func TestHazardSetCookieStripped(t *testing.T) {
	for name, flushes := range map[string]bool{"complete at once": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				w.Header().Set("Set-Cookie", "session=1")
				_, _ = io.WriteString(w, "hello")
				if flushes {
					_ = http.NewResponseController(w).Flush()
					time.Sleep(50 * time.Millisecond)
				}
			})
			c := newCache(t, holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{SetCookie: holdover.StripSetCookie}}})
			h := c.Handler(o)
			require.Equal(t, "session=1", get(h).Header().Get("Set-Cookie"), "the one who made the handler run gets it")
			second := get(h)
			require.Equal(t, "hello", second.Body.String())
			require.Empty(t, second.Header()["Set-Cookie"])
			require.EqualValues(t, 1, o.calls.Load())
		})
	}
}

func TestHazardSetCookieStrippedForWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			w.Header().Set("Cache-Control", `max-age=60, private="X-Secret"`)
			w.Header().Set("Set-Cookie", "session=1")
			w.Header().Set("X-Secret", "of the first")
			_, _ = io.WriteString(w, "hel")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, "lo")
		})
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{SetCookie: holdover.StripSetCookie}}})
		h := c.Handler(o)
		var first *httptest.ResponseRecorder
		go func() { first = get(h) }()
		synctest.Wait()
		waiter := get(h)
		synctest.Wait()
		require.Equal(t, "session=1", first.Header().Get("Set-Cookie"))
		require.Equal(t, "of the first", first.Header().Get("X-Secret"))
		require.Equal(t, "hello", waiter.Body.String())
		require.Empty(t, waiter.Header()["Set-Cookie"])
		require.Empty(t, waiter.Header()["X-Secret"])
		require.EqualValues(t, 1, o.calls.Load())
	})
}

func TestHazardAuthorizationIsNotShared(t *testing.T) {
	tests := map[string]struct {
		cacheControl string
		shared       bool
	}{
		"max-age":         {"max-age=60", false},
		"public":          {"public, max-age=60", true},
		"must-revalidate": {"max-age=60, must-revalidate", true},
		"s-maxage":        {"s-maxage=60", true},
		"private":         {"private, max-age=60", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", tt.cacheControl)
				_, _ = io.WriteString(w, "for "+r.Header.Get("Authorization"))
			}))
			require.Equal(t, "for Bearer a", get(h, "Authorization", "Bearer a").Body.String())
			want := map[bool]string{true: "for Bearer a", false: "for Bearer b"}[tt.shared]
			require.Equal(t, want, get(h, "Authorization", "Bearer b").Body.String())
			want = map[bool]string{true: "for Bearer a", false: "for "}[tt.shared]
			require.Equal(t, want, get(h).Body.String())
		})
	}
}

func TestHazardPolicyLifetimeIsNotSharedAmongIdentities(t *testing.T) {
	ttl := holdover.Freshness{DefaultTTL: time.Minute, StatusTTL: holdover.StatusTTL{http.StatusOK: {TTL: time.Minute}}}
	for _, field := range []string{"Cookie", "Authorization"} {
		t.Run(field, func(t *testing.T) {
			h := newCache(t, holdover.Config{Policy: holdover.Policy{Freshness: ttl}}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "for "+r.Header.Get(field))
			}))
			require.Equal(t, "for a=1", get(h, field, "a=1").Body.String())
			require.Equal(t, "for ", get(h).Body.String(), "not stored from the first")
			require.Equal(t, "for ", get(h).Body.String())
			require.Equal(t, "for a=2", get(h, field, "a=2").Body.String(), "not given what was stored without")
		})
	}
}

func TestHazardKeyHoldsHostAndQuery(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		_, _ = fmt.Fprintf(w, "%s %s %s", scheme, r.Host, r.RequestURI)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	urls := []string{
		"http://a.example/p", "http://b.example/p", "http://a.example:81/p", "http://a.example/p?", "http://a.example/p?q=1",
		"http://a.example/p?q=2", "http://a.example/p?q=1&r", "http://a.example/P", "http://a.example/p/", "http://a.example/%70",
		"http://a.example//p", "http://a.example/p%3Fq=1", "https://a.example/p",
	}
	for range 2 {
		for _, u := range urls {
			scheme, rest, _ := strings.Cut(u, "://")
			host, path, _ := strings.Cut(rest, "/")
			require.Equal(t, fmt.Sprintf("%s %s /%s", scheme, host, path), ask(h, "GET", u).Body.String())
		}
	}
	require.EqualValues(t, len(urls), o.calls.Load())
}

func TestHazardVary(t *testing.T) {
	body := func(w http.ResponseWriter, r *http.Request, lines ...string) {
		w.Header().Set("Cache-Control", "max-age=60")
		for _, line := range lines {
			w.Header().Add("Vary", line)
		}
		_, _ = fmt.Fprintf(w, "%s|%s", r.Header.Get("Accept-Language"), r.Header.Get("X-Variant"))
	}
	tests := map[string][]string{
		"one line":            {"Accept-Language, X-Variant"},
		"two lines":           {"Accept-Language", "X-Variant"},
		"letter case":         {"accept-LANGUAGE,x-variant"},
		"after an empty line": {"", "Accept-Language", ", X-Variant"},
		"star":                {"*"},
		"star in a list":      {"Accept-Language, *"},
		"star on a line":      {"X-Variant", "", "*"},
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, r *http.Request) { body(w, r, lines...) })
			// So many slots that no two of the variants meet in one.
			h := newCache(t, holdover.Config{MaxVariants: 1 << 30}).Handler(o)
			for range 2 {
				for _, language := range []string{"de", "en", ""} {
					for _, variant := range []string{"1", "2", ""} {
						fields := []string{}
						if language != "" {
							fields = append(fields, "Accept-Language", language)
						}
						if variant != "" {
							fields = append(fields, "X-Variant", variant)
						}
						require.Equal(t, language+"|"+variant, get(h, fields...).Body.String())
					}
				}
			}
			want := 9
			if strings.Contains(strings.Join(lines, ""), "*") {
				want = 18
			}
			require.EqualValues(t, want, o.calls.Load())
		})
	}
}

func TestHazardSecondCacheControlLineCounts(t *testing.T) {
	tests := map[string][]string{
		"no-store":               {"max-age=60", "no-store"},
		"private":                {"max-age=60", "private"},
		"behind an empty line":   {"max-age=60", "", "no-store"},
		"behind a bad directive": {"max-age=60", "max-age=abc, no-store"},
		"lower-case name":        nil,
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Cache-Control"] = lines
				if lines == nil {
					w.Header()["Cache-Control"] = []string{"max-age=60"}
					w.Header()["cache-control"] = []string{"no-store"} // net/http sends both
				}
				_, _ = io.WriteString(w, "hello")
			})
			h := newCache(t, holdover.Config{}).Handler(o)
			get(h)
			get(h)
			require.EqualValues(t, 2, o.calls.Load())
		})
	}
}

func TestHazardHalfABodyIsNotStored(t *testing.T) {
	breaks := map[string]http.HandlerFunc{
		"panic":   func(http.ResponseWriter, *http.Request) { panic("boom") },
		"abort":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"too few": func(http.ResponseWriter, *http.Request) {},
		"too many": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "0123456789")
		},
	}
	for name, end := range breaks {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				if strings.HasPrefix(name, "too") {
					w.Header().Set("Content-Length", "10")
				}
				_, _ = io.WriteString(w, "half")
				end(w, r)
			})
			h := newCache(t, holdover.Config{}).Handler(o)
			first := httptest.NewRecorder()
			value := recovered(func() { h.ServeHTTP(first, request("GET", page1)) })
			if value == nil {
				require.GreaterOrEqual(t, first.Code, 500, "half a body is not a 200")
				require.NotContains(t, first.Body.String(), "half")
			}
			o.set(answer(200, "whole", "Cache-Control", "max-age=60"))
			require.Equal(t, "whole", get(h).Body.String())
			require.EqualValues(t, 2, o.calls.Load())
		})
	}
}

func TestHazardPanicEndsNeitherProcessNorKey(t *testing.T) {
	var ev events
	o := newOrigin(func(http.ResponseWriter, *http.Request) { panic("boom") })
	c := newCache(t, holdover.Config{OnEvent: ev.add})
	h := c.Handler(o)
	var wait sync.WaitGroup
	for range 20 { // waiters, too
		wait.Go(func() {
			w := httptest.NewRecorder()
			if value := recovered(func() { h.ServeHTTP(w, request("GET", page1)) }); value != nil {
				require.Equal(t, "boom", value)
			} else {
				require.Equal(t, http.StatusInternalServerError, w.Code)
			}
		})
	}
	wait.Wait()
	o.set(answer(200, "well", "Cache-Control", "max-age=60"))
	require.Equal(t, "well", get(h).Body.String(), "the key is free")
	require.NoError(t, c.Close()) // the hook has been told of all
	panics := 0
	for _, e := range ev.of(holdover.EventFetch) {
		if e.Panic != nil {
			panics++
			require.Equal(t, "boom", e.Panic)
			require.Contains(t, string(e.Stack), "hazards_test.go")
		}
	}
	require.EqualValues(t, o.calls.Load()-1, panics, "the hook is told of each")
}

func TestHazardPartIsNotServedAsWhole(t *testing.T) {
	const whole = "0123456789"
	h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(whole))
	}))
	for range 2 {
		part := get(h, "Range", "bytes=0-3")
		require.Equal(t, http.StatusPartialContent, part.Code)
		require.Equal(t, "0123", part.Body.String())
		require.Equal(t, "bytes 0-3/10", part.Header().Get("Content-Range"))
		for range 2 {
			all := get(h)
			require.Equal(t, http.StatusOK, all.Code)
			require.Equal(t, whole, all.Body.String())
			require.Empty(t, all.Header()["Content-Range"])
		}
	}
}

func TestHazardUnaskedPartIsNotStored(t *testing.T) {
	o := newOrigin(answer(http.StatusPartialContent, "0123", "Cache-Control", "max-age=60", "Content-Range", "bytes 0-3/10"))
	h := newCache(t, holdover.Config{}).Handler(o)
	get(h)
	get(h)
	require.EqualValues(t, 2, o.calls.Load())
}

func TestHazardReusedBuffersAndHeaders(t *testing.T) {
	buf := make([]byte, 100<<10)
	values := []string{"of the first"}
	var header http.Header
	h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header = w.Header()
		header["Cache-Control"] = []string{"max-age=60"}
		header["X-Field"] = values
		for _, c := range []byte("abc") {
			for i := range buf {
				buf[i] = c
			}
			_, _ = w.Write(buf)
		}
		for i := range buf {
			buf[i] = '!'
		}
	}))
	want := strings.Repeat("a", len(buf)) + strings.Repeat("b", len(buf)) + strings.Repeat("c", len(buf))
	require.True(t, want == get(h).Body.String())
	values[0] = "changed"
	header["X-Field"] = []string{"replaced"}
	header["X-Late"] = []string{"late"}
	for range 2 {
		w := get(h)
		require.True(t, want == w.Body.String())
		require.Equal(t, "of the first", w.Header().Get("X-Field"))
		require.Empty(t, w.Header()["X-Late"])
	}
}

func TestHazardOuterCannotCorruptStoredFields(t *testing.T) {
	h := newCache(t, holdover.Config{}).Handler(answer(200, "hello", "Cache-Control", "max-age=60", "X-List", "a", "X-List", "b", "Vary", "X-V"))
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		w.Header().Add("X-List", "outer")
		w.Header().Add("Vary", "outer")
	})
	for range 3 {
		get(outer)
	}
	w := get(h)
	require.Equal(t, []string{"a", "b"}, w.Header()["X-List"])
	require.Equal(t, []string{"X-V"}, w.Header()["Vary"])
}

func TestHazardBufferingIsBounded(t *testing.T) {
	const maxBody, chunks = 64 << 10, 64
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		for range chunks {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	c := newCache(t, holdover.Config{
		MaxInFlight: 1 << 20, Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: maxBody}},
	})
	h := c.Handler(o)
	for range 2 {
		require.Equal(t, chunks*len(chunk), get(h).Body.Len())
	}
	require.EqualValues(t, 2, o.calls.Load(), "too large to be stored")
	require.Zero(t, c.Stats().Stored)
}

// stalledWriter takes nothing until it is released, like a client that doesn't read.
type stalledWriter struct {
	h       http.Header
	release chan struct{}
	n       int
}

func (w *stalledWriter) Header() http.Header { return w.h }
func (w *stalledWriter) WriteHeader(int)     {}
func (w *stalledWriter) Write(p []byte) (int, error) {
	<-w.release
	w.n += len(p)
	return len(p), nil
}

func TestHazardUnstorableBodyIsNotBufferedForSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		var written int
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			for range 256 { // 16 MiB
				n, err := w.Write(chunk)
				written += n
				if err != nil {
					return
				}
			}
		}))
		slow := &stalledWriter{h: http.Header{}, release: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(slow, request("GET", page1))
		}()
		synctest.Wait()
		require.Less(t, written, 2<<20, "the handler waits for its only client")
		close(slow.release)
		<-done
		require.Equal(t, 256*len(chunk), slow.n)
	})
}

// Who wonders why a page isn't cached finds the reason in the answer.
func TestWhyNotStored(t *testing.T) {
	for reason, fields := range map[string][]string{
		"no-store":    {"Cache-Control", "no-store"},
		"private":     {"Cache-Control", "private, max-age=60"},
		"set-cookie":  {"Cache-Control", "max-age=60", "Set-Cookie", "a=b"},
		"vary-star":   {"Cache-Control", "max-age=60", "Vary", "*"},
		"no-lifetime": nil,
	} {
		t.Run(reason, func(t *testing.T) {
			w, _, _ := tried(newCache(t, holdover.Config{}).Handler(answer(200, "x", fields...)))
			require.Contains(t, w.Header().Get("Cache-Status"), "detail="+reason)
		})
	}
}
