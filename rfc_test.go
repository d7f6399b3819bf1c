// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

func statusOf(h http.Header) string { return strings.Join(h["Cache-Status"], " | ") }

// failing is a store of another that can be down or hang.
type failing struct {
	store.Store
	down, hangs atomic.Bool
}

func (f *failing) Get(ctx context.Context, key string) (*store.Entry, error) {
	if f.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if f.down.Load() {
		return nil, errors.New("down")
	}
	return f.Store.Get(ctx, key)
}

// RFC 9111 §4.4: a page is invalidated also while the store can't tell whether it has it.
func TestInvalidationWhileTheStoreFails(t *testing.T) {
	for name, fail := range map[string]func(*failing, bool){
		"down":  func(f *failing, is bool) { f.down.Store(is) },
		"hangs": func(f *failing, is bool) { f.hangs.Store(is) },
	} {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		f := &failing{Store: m}
		pages := newOrigin(answer(200, "x", "Cache-Control", "max-age=60"))
		writer := newCache(t, holdover.Config{Store: f}) // another cache has stored the page
		stored := newCache(t, holdover.Config{Store: f}).Handler(pages)
		get(stored)
		require.Eventually(t, func() bool { return hit(get(stored).Header()) }, 10*time.Second, time.Millisecond)
		h := writer.Handler(pages)
		fail(f, true)
		ask(h, "POST", page1)
		fail(f, false)
		require.False(t, hit(get(h).Header()), name)
	}
}

// RFC 9111 §4.4: what is invalidated is the target URI, whatever key its responses have.
func TestInvalidationOfWhateverIsStored(t *testing.T) {
	pages := newOrigin(answer(200, "x", "Cache-Control", "max-age=60"))
	for name, tt := range map[string]struct {
		get, post func(c *holdover.Cache) http.Header
	}{
		"another spelling of the path": {
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "GET", "http://example.com/%61").Header()
			},
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "POST", "http://example.com/a").Header()
			},
		},
		"another spelling of the host": {
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "GET", "http://example.com/b").Header()
			},
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "POST", "http://EXAMPLE.com/b").Header()
			},
		},
		"the absolute form": {
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "GET", "absolute http://example.com/d").Header()
			},
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "POST", "http://example.com/d").Header()
			},
		},
		"another mount": {
			func(c *holdover.Cache) http.Header {
				return ask(http.StripPrefix("/a", c.Handler(pages)), "GET", "http://example.com/a/1").Header()
			},
			func(c *holdover.Cache) http.Header {
				return ask(c.Handler(pages), "POST", "http://example.com/a/1").Header()
			},
		},
		"another policy": {
			func(c *holdover.Cache) http.Header {
				v, err := c.With(holdover.Policy{Key: holdover.Key{Fields: []string{"X-T"}}})
				require.NoError(t, err)
				return ask(v.Handler(pages), "GET", page1).Header()
			},
			func(c *holdover.Cache) http.Header { return ask(c.Handler(pages), "POST", page1).Header() },
		},
		"another method": {
			func(c *holdover.Cache) http.Header {
				v, err := c.With(holdover.Policy{Methods: []string{"GET", "QUERY"}})
				require.NoError(t, err)
				return ask(v.Handler(pages), "QUERY", page1).Header()
			},
			func(c *holdover.Cache) http.Header { return ask(c.Handler(pages), "PUT", page1).Header() },
		},
	} {
		c := newCache(t, holdover.Config{})
		tt.get(c)
		require.True(t, hit(tt.get(c)), name)
		tt.post(c)
		require.False(t, hit(tt.get(c)), name)
		require.True(t, hit(tt.get(c)), name)
	}
}

// What was never stored needs no mark, which would make everybody look again.
func TestInvalidationOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ev events
		c := newCache(t, holdover.Config{OnEvent: ev.add})
		h := c.Handler(newOrigin(answer(200, "x", "Cache-Control", "max-age=60", "Location", "/elsewhere")))
		get(h)
		synctest.Wait() // a fetch may end after its client's answer
		for range 3 {
			ask(h, "POST", "http://example.com/other")
		}
		require.Empty(t, ev.of(holdover.EventDropped))
		ask(h, "POST", page1)
		require.Len(t, ev.of(holdover.EventDropped), 1)
	})
}

// RFC 6585 §3 to §6: these must not be stored, unless the policy says so for the status.
func TestStatusesThatMustNotBeStored(t *testing.T) {
	for _, status := range []int{428, 429, 431, 511} {
		o := newOrigin(answer(status, "x", "Cache-Control", "max-age=60"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		get(h)
		require.EqualValues(t, 2, o.calls.Load(), status)
	}
	o := newOrigin(answer(429, "x"))
	h := newCache(t, holdover.Config{Policy: holdover.Policy{Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{429: {TTL: time.Minute}}}}}).Handler(o)
	get(h)
	get(h)
	require.EqualValues(t, 1, o.calls.Load(), "a rule for the status")
}

// RFC 9110 §13.1.2: with other methods than GET, If-None-Match means something else.
func TestConditionsOfOtherMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("If-None-Match"))
			answer(200, "x", "Cache-Control", "max-age=1", "Etag", `"1"`)(w, r)
		})
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Methods: []string{"GET", "POST"}}}).Handler(o)
		ask(h, "POST", page1)
		time.Sleep(2 * time.Second)
		ask(h, "POST", page1)
		require.Contains(t, statusOf(ask(h, "POST", page1).Header()), "hit")
		require.Contains(t, statusOf(ask(h, "POST", page1, "If-None-Match", "*").Header()), "fwd=bypass")
		require.Equal(t, []string{"", "", "*"}, seen)
	})
}

// RFC 9111 §3: no-cache alone doesn't make a status cacheable that isn't.
func TestNoCacheIsNoLifetime(t *testing.T) {
	c := newCache(t, holdover.Config{})
	get(c.Handler(newOrigin(answer(302, "", "Cache-Control", "no-cache", "Etag", `"1"`))))
	require.Zero(t, c.Stats().Stored)
	ask(c.Handler(newOrigin(answer(200, "", "Cache-Control", "no-cache", "Etag", `"1"`))), "GET", page1+"?2")
	require.EqualValues(t, 1, c.Stats().Stored)
}

// RFC 9111 §4.3.5: a HEAD with the length of the stored body agrees with it, though the
// length isn't stored as a field.
func TestHeadKnowsTheStoredLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Length", "10"})
				return
			}
			answer(200, digits, "Cache-Control", "max-age=1")(w, r)
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		ask(h, "HEAD", page1)
		require.Equal(t, digits, get(h).Body.String())
		require.EqualValues(t, 2, o.calls.Load(), "the HEAD has freshened it")
	})
}

// RFC 9111 §4.1: a default page without Vary doesn't displace the variants.
func TestDefaultPageWithoutVary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if language := r.Header.Get("Accept-Language"); language != "" {
				answer(200, language, "Cache-Control", "max-age=3600", "Vary", "Accept-Language")(w, r)
				return
			}
			answer(200, "default", "Cache-Control", "max-age=3600")(w, r)
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		for range 2 {
			require.Equal(t, "de", get(h, "Accept-Language", "de").Body.String())
			require.Equal(t, "default", get(h).Body.String())
			require.Equal(t, "en", get(h, "Accept-Language", "en").Body.String())
		}
		require.EqualValues(t, 3, o.calls.Load())
		// A page that is gone is gone in all languages.
		o.set(answer(404, "gone", "Cache-Control", "max-age=60"))
		require.Equal(t, "gone", get(h, "Accept-Language", "fr").Body.String())
		require.Equal(t, "gone", get(h, "Accept-Language", "de").Body.String())
	})
}

// A URL that no longer varies becomes a plain one when its record has expired.
func TestVaryIsForgottenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "varies", "Cache-Control", "max-age=60", "Vary", "Accept-Language"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h, "Accept-Language", "de")
		o.set(answer(200, "plain", "Cache-Control", "max-age=60"))
		for range 4 * 60 { // longer than anything is kept, and never idle
			time.Sleep(time.Minute)
			get(h, "Accept-Language", "de")
		}
		get(h, "Accept-Language", "de")
		require.True(t, hit(get(h, "Accept-Language", "fr").Header()), "all languages have the same page")
	})
}

// RFC 9110 §15.4.5: a 304 repeats nothing of what the client knows of the body.
func TestNotModifiedIsShort(t *testing.T) {
	lines := []string{
		"Cache-Control", "max-age=60", "Etag", `"1"`, "Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT", "Content-Language", "de",
		"Content-Encoding", "x", "Content-Type", "text/x", "Vary", "X", "Content-Location", "/p", "Expires", "Thu, 01 Jan 2099 00:00:00 GMT",
	}
	h := newCache(t, holdover.Config{}).Handler(newOrigin(answer(200, digits, lines...)))
	for range 2 { // from the handler, then from the store
		w := get(h, "If-None-Match", `"1"`)
		require.Equal(t, 304, w.Code)
		for _, name := range []string{"Content-Type", "Content-Language", "Content-Encoding", "Content-Length", "Last-Modified"} {
			require.Empty(t, w.Header()[name], name)
		}
		for _, name := range []string{"Cache-Control", "Etag", "Vary", "Content-Location", "Expires", "Date"} {
			require.NotEmpty(t, w.Header()[name], name)
		}
	}
}

// RFC 9211 §2.2, §2.3: fwd=partial where a part was selected; fwd-status where what is sent is
// another status than the handler's.
func TestCacheStatusSaysWhatHappened(t *testing.T) {
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(newFilm(1000, strongFilm...))
	require.Equal(t, "holdover; fwd=uri-miss; stored", statusOf(get(h, "Range", "bytes=0-9").Header()))
	require.Equal(t, "holdover; fwd=partial; stored", statusOf(get(h, "Range", "bytes=20-29").Header()))

	h = newCache(t, holdover.Config{}).Handler(newOrigin(answer(200, digits, "Cache-Control", "max-age=60", "Etag", `"1"`)))
	w := get(h, "If-None-Match", `"1"`)
	require.Equal(t, 304, w.Code)
	require.Contains(t, statusOf(w.Header()), "fwd=uri-miss; fwd-status=200; stored")
	h = newCache(t, holdover.Config{}).Handler(newOrigin(answer(200, digits, "Cache-Control", "no-store", "Etag", `"1"`)))
	require.Contains(t, statusOf(get(h, "If-None-Match", `"1"`).Header()), "fwd=uri-miss; fwd-status=200; detail=no-store")
}

// RFC 9111 §5.2.1.7: only-if-cached never reaches the origin, also with a condition that
// only the origin could evaluate.
func TestOnlyIfCachedWithAPrecondition(t *testing.T) {
	o := newOrigin(digitsPage())
	h := newCache(t, holdover.Config{}).Handler(o)
	get(h)
	require.Equal(t, 504, get(h, "If-Match", `"v1"`, "Cache-Control", "only-if-cached").Code)
	require.EqualValues(t, 1, o.calls.Load())
}
