// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// paused is a handler whose first answer waits until it is let go on, after it was made.
type paused struct {
	*origin
	made, goOn chan struct{}
}

func newPaused(first, then http.HandlerFunc) *paused {
	p := &paused{made: make(chan struct{}), goOn: make(chan struct{})}
	p.origin = newOrigin(nil)
	p.set(func(w http.ResponseWriter, r *http.Request) {
		p.set(then)
		close(p.made)
		<-p.goOn
		first(w, r)
	})
	return p
}

// during asks in the background, calls f while the answer is made but not yet sent, and
// returns when it has landed.
func (p *paused) during(t *testing.T, asking, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { asking(); close(done) }()
	after(t, p.made, "the first answer was made")
	time.Sleep(time.Millisecond)
	f()
	close(p.goOn)
	after(t, done, "it has landed")
}

// A POST invalidates what its Location names, also where only a copy of that is on its way.
func TestLocationOfWhatIsOnItsWay(t *testing.T) {
	p := newPaused(answer(200, "old", "Cache-Control", "max-age=60"), nil)
	h := newCache(t, holdover.Config{}).Handler(p)
	p.during(t, func() { get(h, "Range", "bytes=0-") }, func() {
		p.set(answer(201, "", "Location", "/page"))
		ask(h, "POST", "http://example.com/list")
		p.set(answer(200, "new", "Cache-Control", "max-age=60"))
	})
	require.Equal(t, "new", get(h).Body.String())
}

// What lands late never undoes what was learned meanwhile.
func TestLateAnswers(t *testing.T) {
	fresh := answer(200, "two", "Cache-Control", "max-age=60", "Etag", `"2"`)
	stale := answer(200, "one", "Cache-Control", "max-age=0, stale-if-error=100", "Etag", `"1"`)
	for name, tt := range map[string]struct {
		late   http.HandlerFunc
		asking func(h http.Handler)
	}{
		"a 304 of another entity-tag": {
			answer(304, "", "Etag", `"2"`), func(h http.Handler) { get(h, "Cache-Control", "no-store") },
		},
		"a HEAD of another": {answer(200, "", "Etag", `"3"`), func(h http.Handler) { ask(h, "HEAD", page1) }},
	} {
		o := newOrigin(stale)
		c := newCache(t, holdover.Config{})
		get(c.Handler(o))
		p := newPaused(tt.late, fresh)
		h := c.Handler(p)
		p.during(t, func() { tt.asking(h) }, func() { require.Equal(t, "two", get(h).Body.String(), name) })
		require.True(t, hit(get(h).Header()), name)
	}
}

// A part that was asked for before the page was gone doesn't bring it back.
func TestPartAfterItsPageIsGone(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	p := newPaused(m.show, answer(404, "gone", "Cache-Control", "no-store"))
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(p)
	p.during(t, func() { get(h, "Range", "bytes=0-9") }, func() { require.Equal(t, 404, get(h, "Range", "bytes=0-9").Code) })
	require.Equal(t, 404, get(h, "Range", "bytes=0-9").Code)
}

// A combined part of an old version doesn't displace the part of a newer one, in whatever store.
func TestCombinedPartThatIsLate(t *testing.T) {
	version := func(v string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Etag", `"` + v + `"`, "Content-Type", "video/x"})
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat(v, 1000)))
		}
	}
	for _, remote := range []bool{false, true} {
		cfg := holdover.Config{Policy: smallRoom}
		if remote {
			cfg.Store = newRemote()
		}
		c := newCache(t, cfg)
		get(c.Handler(version("1")), "Range", "bytes=0-9")
		p := newPaused(version("1"), version("2"))
		h := c.Handler(p)
		p.during(t, func() { get(h, "Range", "bytes=10-19") }, func() { get(h, "Range", "bytes=0-29") })
		require.Eventually(t, func() bool { return get(h, "Range", "bytes=0-3").Body.String() == "2222" }, 10*time.Second, time.Millisecond)
	}
}

// A stale part is renewed by the next request for it, and a reload's fields count.
func TestPartIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newFilm(1000, append(strongFilm, "X-Rights", "old")...)
		h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
		m.wantRange(t, h, 0, 29)
		time.Sleep(61 * time.Second)
		require.False(t, hit(m.wantRange(t, h, 0, 29)))
		require.True(t, hit(m.wantRange(t, h, 0, 29)))
		m.fields = append(strongFilm, "X-Rights", "new")
		m.wantRange(t, h, 0, 29, "Cache-Control", "no-cache")
		require.Equal(t, "new", m.wantRange(t, h, 0, 29).Get("X-Rights"))
	})
}

// RFC 9211 §2.2: a part that has what is asked for, but is refused, isn't "partial".
func TestWhyAPartIsRefused(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	require.Contains(t, statusOf(m.wantRange(t, h, 0, 9, "Cache-Control", "no-cache")), "fwd=request")
	require.Contains(t, statusOf(m.wantRange(t, h, 5, 19)), "fwd=partial")
}

// Outer middleware's fields are its own: neither its nonce nor its silence is stored, and its
// tags hide none.
func TestKeptBesideOuterFields(t *testing.T) {
	policy := smallRoom
	policy.TagFields = []string{"Surrogate-Key"}
	for name, value := range map[string]string{
		"Content-Security-Policy": "nonce-%d", "Content-Language": "l%d", "Content-Location": "/%d", "X-Dns-Prefetch-Control": "off%d",
	} {
		m, n := newFilm(1000, strongFilm...), 0
		inner := newCache(t, holdover.Config{Policy: policy}).Handler(m)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			w.Header().Set(name, fmt.Sprintf(value, n))
			inner.ServeHTTP(w, r)
		})
		m.wantRange(t, h, 0, 9)
		header := m.wantRange(t, h, 0, 9)
		require.True(t, hit(header), name)
		require.Equal(t, []string{fmt.Sprintf(value, 2)}, header[name])
	}
	for _, name := range []string{"Surrogate-Key", "Cache-Groups"} {
		m := newFilm(1000, append(strongFilm, name, "film")...)
		c := newCache(t, holdover.Config{Policy: policy})
		inner := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del(name)
			m.ServeHTTP(w, r)
		}))
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, "film")
			inner.ServeHTTP(w, r)
		})
		m.wantRange(t, h, 0, 9)
		require.True(t, hit(m.wantRange(t, h, 0, 9)))
		purge(t, c, holdover.PurgeRequest{Tag: "film"})
		require.False(t, hit(m.wantRange(t, h, 0, 9)), name)
	}
}

// A handler that forbids net/http to make up a type is obeyed by hits, too.
func TestNoTypeIsMadeUp(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, "<html><script>alert(1)</script>")
		}))
		s, client := server(t, h, proto)
		for range 3 {
			res, err := over(t, client, "GET", s.URL)
			require.NoError(t, err)
			require.Empty(t, res.Header["Content-Type"])
		}
		res, err := over(t, client, "GET", s.URL, "Range", "bytes=0-5")
		require.NoError(t, err)
		require.Equal(t, 206, res.StatusCode)
		require.Empty(t, res.Header["Content-Type"])
	})
}

// Who joins a fetch gets of its trailers no more than of its header.
func TestTrailersOfOthers(t *testing.T) {
	for _, declared := range []bool{true, false} {
		made, goOn := make(chan struct{}), make(chan struct{})
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			prefix := http.TrailerPrefix
			if declared {
				prefix = ""
				w.Header().Set("Trailer", "Set-Cookie, X-User, X-Sum")
			}
			w.Header().Set("Cache-Control", `max-age=60, private="x-user"`)
			_, _ = io.WriteString(w, "one")
			_ = http.NewResponseController(w).Flush()
			close(made)
			<-goOn
			for _, name := range []string{"Set-Cookie", "X-User", "X-Sum"} {
				w.Header().Set(prefix+name, "alice")
			}
		}))
		s, client := server(t, h, 1)
		type result struct {
			who string
			fetched
		}
		results := make(chan result, 2)
		fetch := func(who string) {
			res, _ := over(t, client, "GET", s.URL)
			results <- result{who, res}
		}
		go fetch("alice")
		after(t, made, "the body is on its way")
		go fetch("bob")
		time.Sleep(50 * time.Millisecond)
		close(goOn)
		for range 2 {
			res := <-results
			require.Equal(t, "one", res.body)
			if res.who == "bob" {
				require.Contains(t, statusOf(res.Header), "collapsed")
				require.Empty(t, res.Trailer.Get("Set-Cookie"))
				require.Empty(t, res.Trailer.Get("X-User"))
				require.Equal(t, "alice", res.Trailer.Get("X-Sum"))
			} else {
				require.Equal(t, "alice", res.Trailer.Get("X-User"))
			}
		}
	}
}

// An origin that answers 304 by date alone hasn't failed: other pages are asked for as ever.
func TestForeign304IsNoFailureOfTheOrigin(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" && r.URL.Path != "/ok" {
			answer(304, "", "Etag", `"2"`)(w, r)
			return
		}
		answer(200, "one", "Cache-Control", "max-age=0, must-revalidate", "Etag", `"1"`)(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for range 2 {
		for i := range 4 {
			w := ask(h, "GET", fmt.Sprint("http://example.com/", i))
			if w.Code == 502 {
				require.Contains(t, statusOf(w.Header()), "fwd-status=304; detail=validator-mismatch")
			}
		}
	}
	require.Equal(t, 200, ask(h, "GET", "http://example.com/ok").Code)
	require.EqualValues(t, 9, o.calls.Load())
}
