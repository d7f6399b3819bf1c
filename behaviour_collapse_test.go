// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// slowly answers after a while, unless its context ends before.
func slowly(d time.Duration, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			next(w, r)
		case <-r.Context().Done():
		}
	}
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { f(i) })
	}
	wait.Wait()
}

func TestCollapseMisses(t *testing.T) {
	for _, control := range []string{"max-age=60", "s-maxage=60", "public, max-age=60"} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(slowly(time.Second, answer(200, "hello", "Cache-Control", control)))
			c := newCache(t, holdover.Config{})
			h := c.Handler(o)
			together(50, func(int) { require.Equal(t, "hello", get(h).Body.String()) })
			require.EqualValues(t, 1, o.calls.Load())
			require.EqualValues(t, 49, c.Stats().Collapsed)
		})
	}
}

// An error without an identity in it is shared too: a failing origin isn't asked
// once for each of those who wait.
func TestCollapseFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(time.Second, answer(503, "bad")))
		h := newCache(t, holdover.Config{}).Handler(o)
		together(50, func(int) { require.Equal(t, 503, get(h).Code) })
		require.LessOrEqual(t, o.calls.Load(), int64(2))
	})
}

func TestCollapseLeaderLeaves(t *testing.T) {
	for name, streaming := range map[string]bool{"before the header": false, "midway": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					if streaming {
						_, _ = io.WriteString(w, "hel")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(2 * time.Second)
						_, _ = io.WriteString(w, "lo")
						return
					}
					slowly(2*time.Second, answer(200, "hello"))(w, r)
				})
				c := newCache(t, holdover.Config{})
				h := c.Handler(o)
				ctx, leave := context.WithCancel(t.Context())
				go h.ServeHTTP(httptest.NewRecorder(), request("GET", page1).WithContext(ctx))
				synctest.Wait()
				go func() {
					time.Sleep(time.Second)
					leave()
				}()
				together(5, func(int) { require.Equal(t, "hello", get(h).Body.String()) })
				require.Contains(t, get(h).Header().Get("Cache-Status"), "hit", "stored")
				require.EqualValues(t, 1, o.calls.Load())
			})
		})
	}
}

func TestCollapseEveryoneLeavesAndItIsStoredAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(2*time.Second, answer(200, "hello", "Cache-Control", "max-age=60")))
		h := newCache(t, holdover.Config{}).Handler(o)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		together(3, func(int) {
			h.ServeHTTP(httptest.NewRecorder(), request("GET", page1).WithContext(ctx))
		})
		time.Sleep(2 * time.Second)
		require.Equal(t, "hello", get(h).Body.String())
		require.EqualValues(t, 1, o.calls.Load())
	})
}

func TestCollapseSlowReaderDoesNotSlowOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := strings.Repeat("x", 2<<20)
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			answer(200, body, "Cache-Control", "max-age=60")(w, r)
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		slow := &stalledWriter{h: http.Header{}, release: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(slow, request("GET", page1))
		}()
		synctest.Wait()
		began := time.Now()
		together(5, func(int) { require.Equal(t, len(body), get(h).Body.Len()) })
		require.Less(t, time.Since(began), time.Second)
		require.EqualValues(t, 1, o.calls.Load())
		close(slow.release)
		<-done
		require.Equal(t, len(body), slow.n)
	})
}

// What can't be shared is not fetched one after the other.
func TestCollapsePrivateIsNotSerialised(t *testing.T) {
	for name, fields := range map[string][]string{
		"private": {"Cache-Control", "private"}, "no-store": {"Cache-Control", "no-store"}, "set-cookie": {"Cache-Control", "max-age=60", "Set-Cookie", "a=1"},
		"no lifetime": nil, "vary star": {"Cache-Control", "max-age=60", "Vary", "*"}, "no-cache": {"Cache-Control", "no-cache", "Etag", `"1"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
					slowly(300*time.Millisecond, answer(200, "for "+r.Header.Get("X-User"), fields...))(w, r)
				}))
				for range 3 {
					var mu sync.Mutex
					var took []time.Duration
					together(20, func(i int) {
						began := time.Now()
						w := get(h, "X-User", fmt.Sprint(i))
						if name == "private" || name == "no-store" {
							require.Equal(t, fmt.Sprint("for ", i), w.Body.String())
						}
						mu.Lock()
						defer mu.Unlock()
						took = append(took, time.Since(began))
					})
					slices.Sort(took)
					require.LessOrEqual(t, took[10], 600*time.Millisecond, "median")
					require.LessOrEqual(t, took[19], 700*time.Millisecond, "slowest")
				}
			})
		})
	}
}

// Waiters whose varied fields differ regroup: one fetch for each variant.
func TestCollapseVaryRegroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			slowly(time.Second, answer(200, r.Header.Get("Accept-Language"), "Cache-Control", "max-age=60", "Vary", "Accept-Language"))(w, r)
		})
		h := newCache(t, holdover.Config{MaxVariants: 1 << 30}).Handler(o)
		languages := []string{"de", "en", "fr", "it"}
		began := time.Now()
		together(40, func(i int) {
			language := languages[i%len(languages)]
			require.Equal(t, language, get(h, "Accept-Language", language).Body.String())
		})
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		require.EqualValues(t, len(languages), o.calls.Load())
		for _, language := range languages {
			require.Equal(t, language, get(h, "Accept-Language", language).Body.String())
		}
		require.EqualValues(t, len(languages), o.calls.Load(), "all are stored")
	})
}

// Nobody is given what was made for another's credentials, whoever came first.
func TestCollapseIdentities(t *testing.T) {
	for _, control := range []string{"max-age=60", "private, max-age=60", "no-store", ""} {
		for _, field := range []string{"Authorization", "Cookie"} {
			if control == "max-age=60" && field == "Cookie" {
				continue // the origin says that it may be shared
			}
			t.Run(control+"/"+field, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					policy := holdover.Policy{Freshness: holdover.Freshness{DefaultTTL: time.Minute}}
					h := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
						slowly(100*time.Millisecond, answer(200, "for "+r.Header.Get(field), "Cache-Control", control))(w, r)
					}))
					for round := range 3 {
						together(30, func(i int) {
							user := ""
							var fields []string
							if i%3 != round { // somebody else comes first in each round
								user = fmt.Sprint("u=", i%5)
								fields = []string{field, user}
							}
							body := get(h, fields...).Body.String()
							if control != "max-age=60" || body != "for " { // RFC 9111 §3.5: what was made for nobody is for all
								require.Equal(t, "for "+user, body)
							}
						})
						time.Sleep(10 * time.Second)
					}
				})
			})
		}
	}
}

func TestCollapseWaitersEndAtTheHardTimeout(t *testing.T) {
	for name, obeys := range map[string]bool{"the handler obeys its context": true, "the handler ignores it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(func(_ http.ResponseWriter, r *http.Request) {
					if obeys {
						<-r.Context().Done()
					} else {
						time.Sleep(time.Minute)
					}
				})
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: 10 * time.Second}}}).Handler(o)
				began := time.Now()
				together(10, func(i int) {
					time.Sleep(time.Duration(i) * time.Second / 2)
					require.Equal(t, http.StatusGatewayTimeout, get(h).Code)
				})
				require.LessOrEqual(t, time.Since(began), 15*time.Second)
				require.EqualValues(t, 1, o.calls.Load())
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// At the soft timeout a copy is given, and what the handler brings later is stored.
func TestCollapseSoftTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=600"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{SoftTimeout: 200 * time.Millisecond}}}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(slowly(900*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=60")))
		began := time.Now()
		together(10, func(int) {
			w := get(h)
			require.Equal(t, "old", w.Body.String())
			require.Contains(t, w.Header().Get("Cache-Status"), "soft-timeout")
		})
		require.Less(t, time.Since(began), 300*time.Millisecond)
		time.Sleep(time.Second)
		require.Equal(t, "new", get(h).Body.String())
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// Whoever can't use the copy isn't cut off by the time that an attempt gets for its sake.
func TestCollapseAttemptDoesNotEndOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=0, stale-if-error=600"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		o.set(slowly(3*time.Second, answer(200, "new", "Cache-Control", "max-age=60")))
		go get(h)
		synctest.Wait()
		w := get(h, "Cache-Control", "no-cache")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "new", w.Body.String())
		time.Sleep(time.Minute)
	})
}

// A handler that ignores its context blocks new fetches of its key, and only so many
// of them are borne.
func TestCollapseAbandonedHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) })
		c := newCache(t, holdover.Config{MaxAbandoned: 3, Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: time.Second}}})
		h := c.Handler(o)
		for i := range 3 {
			url := fmt.Sprint("http://example.com/", i)
			for range 2 {
				require.Equal(t, http.StatusGatewayTimeout, ask(h, "GET", url).Code)
			}
			require.Equal(t, i+1, c.Stats().Abandoned)
		}
		require.EqualValues(t, 3, o.calls.Load(), "one for each key")
		require.Equal(t, http.StatusGatewayTimeout, ask(h, "GET", "http://example.com/3").Code, "one more fetch at a time")
		require.Equal(t, 4, c.Stats().Abandoned)
		o.set(answer(200, "hello", "Cache-Control", "max-age=60"))
		for range 2 {
			require.Equal(t, "hello", ask(h, "GET", "http://example.com/4").Body.String(), "runs inline")
		}
		require.EqualValues(t, 6, o.calls.Load())
		time.Sleep(2 * time.Hour)
		require.Zero(t, c.Stats().Abandoned)
		ask(h, "GET", "http://example.com/3")
		require.Contains(t, ask(h, "GET", "http://example.com/3").Header().Get("Cache-Status"), "hit")
	})
}

// Background revalidation is collapsed as well.
func TestCollapseRevalidationBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-while-revalidate=60"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(slowly(500*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=10")))
		together(50, func(int) { require.Equal(t, "old", get(h).Body.String()) })
		time.Sleep(2 * time.Second)
		require.Equal(t, "new", get(h).Body.String())
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// Close with fetches under way leaves nothing behind and lets nobody hang.
func TestCollapseClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		c, err := holdover.New(holdover.Config{})
		require.NoError(t, err)
		h := c.Handler(o)
		done := make(chan int, 10)
		for range 10 {
			go func() { done <- get(h).Code }()
		}
		synctest.Wait()
		require.NoError(t, c.Close())
		for range 10 {
			require.GreaterOrEqual(t, <-done, 500)
		}
		o.set(answer(200, "inline"))
		require.Equal(t, "inline", get(h).Body.String())
		require.NoError(t, c.Close())
	})
}

// Those who wait for a failure read its verdict while it is being stored among variants.
func TestCollapseFailureAmongVariants(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Language") == "de" {
			answer(200, "good", "Cache-Control", "max-age=60", "Vary", "Accept-Language")(w, r)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(503)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "bad")
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for i := range 100 {
		url := fmt.Sprint("http://example.com/", i)
		ask(h, "GET", url, "Accept-Language", "de")
		together(8, func(int) {
			require.Equal(t, "bad", ask(h, "GET", url, "Accept-Language", "en").Body.String())
		})
		require.Equal(t, "good", ask(h, "GET", url, "Accept-Language", "de").Body.String())
	}
}
