// SPDX-License-Identifier: MIT

package holdover_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// downed is a transport that can't reach anything.
type downed struct{}

func (downed) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// unreachable is a proxy to an origin that isn't there.
func unreachable() http.HandlerFunc {
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "origin.invalid"})
	p.Transport = downed{}
	p.ErrorHandler = holdover.ErrorHandler
	return p.ServeHTTP
}

// failures are all the ways in which an origin fails.
var failures = map[string]http.HandlerFunc{
	"500":              answer(500, "bad"),
	"502":              answer(502, "bad"),
	"503":              answer(503, "bad"),
	"504":              answer(504, "bad"),
	"503 with max-age": answer(503, "bad", "Cache-Control", "max-age=100"),
	"429":              answer(429, "bad"),
	"408":              answer(408, "bad"),
	"transport error":  unreachable(),
	"panic":            func(http.ResponseWriter, *http.Request) { panic("boom") },
	"abort":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"goexit":           func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
	"panic midway": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		_, _ = io.WriteString(w, "bad")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(10 * time.Millisecond)
		panic("boom")
	},
	"truncation": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "bad")
	},
	"timeout": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

// tried asks a handler from a goroutine of its own, since the handler may panic or exit.
func tried(h http.Handler, fields ...string) (w *httptest.ResponseRecorder, value any, returned bool) {
	w = httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { value = recover() }()
		r := request("GET", page1)
		setFields(r.Header, fields)
		h.ServeHTTP(w, r)
		returned = true
	}()
	<-done
	return w, value, returned
}

// Whoever permits it (the response, the request, the policy), every failure is answered
// stale, and leaves the good copy where it is.
func TestDegradeStaleIfError(t *testing.T) {
	permits := map[string]struct {
		cacheControl string
		policy       holdover.Policy
		request      []string
	}{
		"response":        {"max-age=1, stale-if-error=600", holdover.Policy{}, nil},
		"request":         {"max-age=1", holdover.Policy{}, []string{"Cache-Control", "stale-if-error=600"}},
		"policy":          {"max-age=1", holdover.Policy{Grace: holdover.Grace{StaleIfError: 10 * time.Minute}}, nil},
		"only on error":   {"max-age=0, stale-if-error=600", holdover.Policy{}, nil},
		"beside s-maxage": {"s-maxage=1, stale-if-error=600", holdover.Policy{}, nil},
	}
	for permit, tt := range permits {
		for name, failure := range failures {
			t.Run(permit+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var ev events
					o := newOrigin(answer(200, "good", "Cache-Control", tt.cacheControl))
					h := newCache(t, holdover.Config{Policy: tt.policy, OnEvent: ev.add}).Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					o.set(failure)
					for range 3 {
						w, value, returned := tried(h, tt.request...)
						require.Nil(t, value)
						require.True(t, returned)
						require.Equal(t, 200, w.Code)
						require.Equal(t, "good", w.Body.String())
						require.NotContains(t, w.Header().Get("Cache-Status"), "stored")
						time.Sleep(100 * time.Second)
					}
					require.Greater(t, o.calls.Load(), int64(1))
					stale := 0
					for _, e := range ev.of(holdover.EventAnswer) {
						if e.Stale {
							stale++
						}
					}
					require.Equal(t, 3, stale, "marked as stale")
					o.set(answer(200, "new", "Cache-Control", "max-age=10"))
					time.Sleep(60 * time.Second)
					w, _, _ := tried(h)
					require.Equal(t, "new", w.Body.String())
				})
			})
		}
	}
}

// A panic behind a stale answer reaches the hook with its stack; without a stored copy
// it reaches whoever called.
func TestDegradePanicReachesHookOrCaller(t *testing.T) {
	var ev events
	o := newOrigin(answer(200, "good", "Cache-Control", "max-age=0, stale-if-error=600"))
	c := newCache(t, holdover.Config{OnEvent: ev.add})
	h := c.Handler(o)
	get(h)
	boom := errors.New("boom")
	o.set(func(http.ResponseWriter, *http.Request) { panic(boom) })
	require.Equal(t, "good", get(h).Body.String())
	require.Equal(t, boom, recovered(func() { ask(h, "GET", "http://example.com/other") }))
	require.NoError(t, c.Close())
	var values []any
	for _, e := range ev.of(holdover.EventFetch) {
		if e.Panic != nil {
			values = append(values, e.Panic)
			require.NotEmpty(t, e.Stack)
		}
	}
	require.Equal(t, []any{boom, boom}, values)
}

// What forbids stale use forbids it for every failure.
func TestDegradeNeverStale(t *testing.T) {
	controls := []string{
		"max-age=1, must-revalidate", "max-age=1, must-revalidate, stale-if-error=600", "max-age=1, proxy-revalidate",
		"max-age=1, no-cache, stale-if-error=600", "s-maxage=1", "max-age=1, stale-if-error=0",
	}
	policy := holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Hour, StaleWhileRevalidate: time.Hour}}
	for _, control := range controls {
		for name, failure := range failures {
			t.Run(control+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "good", "Cache-Control", control, "Etag", `"1"`))
					h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					if control == "max-age=1, stale-if-error=0" { // its own word outranks the policy's
						h = newCache(t, holdover.Config{Policy: holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Hour}}}).Handler(o)
						get(h)
						time.Sleep(2 * time.Second)
					}
					o.set(failure)
					w, value, returned := tried(h)
					if value == nil && returned {
						require.GreaterOrEqual(t, w.Code, 400)
					}
					require.NotContains(t, w.Body.String(), "good")
				})
			})
		}
	}
}

// The window ends: nothing is served beyond it (but keep, while nothing can be reached).
func TestDegradeWindowEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		failure http.HandlerFunc
		keep    bool
	}{"status": {failures["503"], false}, "panic": {failures["panic"], false}, "transport": {failures["transport error"], true}, "timeout": {failures["timeout"], true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1"))
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Minute, Keep: 10 * time.Minute}}}).Handler(o)
				get(h)
				o.set(tt.failure)
				good := func() bool {
					w, _, _ := tried(h)
					return w.Body.String() == "good"
				}
				time.Sleep(30 * time.Second)
				require.True(t, good())
				time.Sleep(90 * time.Second)
				require.Equal(t, tt.keep, good())
				time.Sleep(10 * time.Minute)
				require.False(t, good())
			})
		})
	}
}

// 404 and 410 are the origin's word: they replace the page, or at least remove it.
func TestDegradeGoneReplaces(t *testing.T) {
	for _, status := range []int{404, 410} {
		for _, control := range []string{"max-age=1", "no-store", ""} {
			t.Run(fmt.Sprint(status, control), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1, stale-if-error=600"))
					h := newCache(t, holdover.Config{}).Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					o.set(answer(status, "gone", "Cache-Control", control))
					require.Equal(t, status, get(h).Code)
					time.Sleep(2 * time.Second)
					o.set(failures["503"])
					require.NotEqual(t, "good", get(h).Body.String())
				})
			})
		}
	}
}

// A failure with a lifetime is stored only where no good copy stands, and never stale.
func TestDegradeStoredFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(503, "bad", "Cache-Control", "max-age=5, stale-if-error=600, stale-while-revalidate=600"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Hour}}}).Handler(o)
		for range 3 {
			require.Equal(t, "bad", get(h).Body.String())
		}
		require.EqualValues(t, 1, o.calls.Load())
		time.Sleep(6 * time.Second)
		o.set(answer(500, "worse"))
		require.Equal(t, "worse", get(h).Body.String(), "never stale")
		o.set(answer(200, "good", "Cache-Control", "max-age=100"))
		require.Equal(t, "good", get(h).Body.String())
	})
}

// However a client asks, the failure that its request meets doesn't displace the good copy
// that others are given.
func TestDegradeFailureNeverDisplacesGoodCopy(t *testing.T) {
	for name, control := range map[string]string{
		"stale, usable on error": "max-age=1, stale-if-error=600", "fresh": "max-age=600", "fresh, must-revalidate": "max-age=600, must-revalidate",
	} {
		for _, request := range [][]string{
			{"Cache-Control", "no-cache"}, {"Cache-Control", "max-age=0"}, {"Cache-Control", "no-store"}, {"Pragma", "no-cache"},
			{"Authorization", "Bearer a"}, {"Cookie", "a=1"}, {"Range", "bytes=0-1"}, {"Cache-Control", "no-cache", "Authorization", "Bearer a"},
		} {
			for failure, f := range map[string]http.HandlerFunc{
				"503": answer(503, "bad", "Cache-Control", "public, max-age=600"),
				"429": answer(429, "bad", "Cache-Control", "public, max-age=600"),
			} {
				t.Run(fmt.Sprint(name, request, failure), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						o := newOrigin(answer(200, "good", "Cache-Control", control))
						h := newCache(t, holdover.Config{}).Handler(o)
						get(h)
						time.Sleep(2 * time.Second)
						o.set(f)
						get(h, request...)
						synctest.Wait()
						w := get(h)
						require.Equal(t, "good", w.Body.String())
					})
				})
			}
		}
	}
}

// While the origin fails, a key with a copy costs it at most one request a second.
func TestDegradeBackOff(t *testing.T) {
	for name, failure := range failures {
		if name == "timeout" {
			continue // bounded by its own length
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "good", "Cache-Control", "max-age=0, stale-if-error=600"))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				o.set(failure)
				before := o.calls.Load()
				for range 200 { // 20 s
					w, _, _ := tried(h)
					require.Equal(t, "good", w.Body.String())
					time.Sleep(100 * time.Millisecond)
				}
				calls := o.calls.Load() - before
				require.LessOrEqual(t, calls, int64(21))
				require.GreaterOrEqual(t, calls, int64(3), "it is asked again")
			})
		})
	}
}

func TestDegradeRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "good", "Cache-Control", "max-age=0, stale-if-error=600"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		o.set(answer(503, "bad", "Retry-After", "100"))
		for range 95 {
			require.Equal(t, "good", get(h).Body.String())
			time.Sleep(time.Second)
		}
		require.EqualValues(t, 2, o.calls.Load())
		o.set(answer(200, "new", "Cache-Control", "max-age=60"))
		time.Sleep(10 * time.Second)
		require.Equal(t, "new", get(h).Body.String())
	})
}

// A key without a copy is always asked.
func TestDegradeWithoutCopyIsAlwaysAsked(t *testing.T) {
	o := newOrigin(failures["503"])
	h := newCache(t, holdover.Config{}).Handler(o)
	for i := range 500 {
		require.Equal(t, 503, get(h).Code)
		require.EqualValues(t, i+1, o.calls.Load(), "nobody is given an answer that was over before he came")
	}
	o.set(answer(200, "good"))
	require.Equal(t, "good", get(h).Body.String())
}

// A failure that varies by other fields leaves the good variants where they are.
func TestDegradeFailureKeepsOtherVariants(t *testing.T) {
	for name, fields := range map[string][]string{
		"other fields": {"Vary", "Origin"}, "more fields": {"Vary", "Accept-Encoding, Origin"}, "no fields": nil, "the same": {"Vary", "Accept-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			good := answer(200, "good", "Cache-Control", "max-age=60", "Vary", "Accept-Encoding")
			bad := answer(503, "bad", append(fields, "Cache-Control", "max-age=10")...)
			o := newOrigin(good)
			h := newCache(t, holdover.Config{}).Handler(o)
			get(h, "Accept-Encoding", "gzip")
			o.set(bad)
			require.Equal(t, 503, get(h, "Accept-Encoding", "br").Code)
			for range 2 {
				w := get(h, "Accept-Encoding", "gzip")
				require.Equal(t, "good", w.Body.String())
				require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
			}
			require.EqualValues(t, 2, o.calls.Load())
		})
	}
}

// Where too many handlers have outlived their fetches, a stale copy is better than to
// wait for one more.
func TestDegradeTooManyAbandonedHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1, stale-if-error=600"))
		c := newCache(t, holdover.Config{MaxAbandoned: 1, Detach: detached})
		h := c.Handler(o)
		const other = "http://example.com/other"
		get(h)
		ask(h, "GET", other)
		time.Sleep(2 * time.Second)
		release := make(chan struct{})
		o.set(func(http.ResponseWriter, *http.Request) { <-release })
		require.Equal(t, "good", get(h).Body.String())
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, c.Stats().Abandoned)
		before, began := o.calls.Load(), time.Now()
		for range 3 {
			require.Equal(t, "good", ask(h, "GET", other).Body.String())
		}
		require.Less(t, time.Since(began), 2*time.Second)
		require.LessOrEqual(t, o.calls.Load(), before+1, "one fetch at a time")
		close(release)
		synctest.Wait()
	})
}

// However long an origin wants to be left alone, a failure that is stored by rule isn't
// taken for fresh for days.
func TestDegradeRetryAfterAsLifetimeIsBounded(t *testing.T) {
	for retryAfter, tt := range map[string]struct{ fresh, over time.Duration }{
		"100":    {99 * time.Second, 101 * time.Second},
		"999999": {time.Minute, 2 * time.Hour},
	} {
		t.Run(retryAfter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rule := holdover.Freshness{StatusTTL: holdover.StatusTTL{503: {TTL: 5 * time.Second}}}
				o := newOrigin(answer(503, "down", "Retry-After", retryAfter))
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Freshness: rule}, Detach: detached}).Handler(o)
				get(h)
				o.set(answer(200, "up"))
				time.Sleep(tt.fresh)
				require.Equal(t, "down", get(h).Body.String())
				time.Sleep(tt.over - tt.fresh)
				require.Equal(t, "up", get(h).Body.String())
			})
		})
	}
}

// Beside an attempt that hangs a probe may run. Whichever ends last, the newer of the two
// is what stays stored.
func TestDegradeProbeRacesAnAttemptThatHangs(t *testing.T) {
	for name, late := range map[string]http.HandlerFunc{
		"late answer":  answer(200, "of the one that hung", "Cache-Control", "max-age=600"),
		"late variant": answer(200, "of the one that hung", "Cache-Control", "max-age=600", "Vary", "Accept"),
		"late failure": answer(503, "of the one that hung", "Cache-Control", "max-age=600"),
		"late silence": answer(200, "of the one that hung", "Cache-Control", "no-store"),
		"late panic":   failures["panic"],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=600"))
				h := newCache(t, holdover.Config{Detach: detached}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(failures["timeout"])
				require.Equal(t, "old", get(h).Body.String())
				time.Sleep(3 * time.Second) // the attempt has ended: the next is given longer
				release := make(chan struct{})
				o.set(func(w http.ResponseWriter, r *http.Request) { <-release; late(w, r) })
				before := o.calls.Load()
				require.Equal(t, "old", get(h).Body.String())
				require.Equal(t, before+1, o.calls.Load())
				o.set(answer(200, "new", "Cache-Control", "max-age=600"))
				for i := 0; o.calls.Load() == before+1; i++ {
					require.Less(t, i, 20, "it is probed before the attempt ends")
					time.Sleep(100 * time.Millisecond)
					get(h)
				}
				require.Equal(t, "new", get(h).Body.String())
				close(release)
				synctest.Wait()
				w := get(h)
				require.Equal(t, "new", w.Body.String())
				require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
			})
		})
	}
}

// A long download that was answered before the origin failed, and ends well, doesn't tell that
// the origin is back.
func TestOldAnswerDoesNotEndAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var calls atomic.Int64
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/long":
				w.Header().Set("Cache-Control", "max-age=60")
				for range 30 {
					_, _ = io.WriteString(w, "x")
					_ = http.NewResponseController(w).Flush()
					time.Sleep(time.Second)
				}
			case down.Load():
				calls.Add(1)
				answer(503, "away")(w, r)
			default:
				answer(200, "hello", "Cache-Control", windowed)(w, r)
			}
		}))
		for i := range 5 {
			ask(h, "GET", pageURL(i))
		}
		long := make(chan struct{})
		go func() {
			defer close(long)
			require.Equal(t, 30, ask(h, "GET", "http://example.com/long").Body.Len())
		}()
		time.Sleep(5 * time.Second)
		down.Store(true)
		crowd := func(d time.Duration) {
			for range d / (50 * time.Millisecond) {
				for i := range 5 {
					require.Equal(t, "hello", ask(h, "GET", pageURL(i)).Body.String())
				}
				time.Sleep(50 * time.Millisecond)
			}
		}
		crowd(20 * time.Second)
		before := calls.Load()
		crowd(10 * time.Second)
		<-long
		require.LessOrEqual(t, calls.Load()-before, int64(11), "one probe a second, across the end of the download")
	})
}
