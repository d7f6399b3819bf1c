// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// counting answers with the number of the call.
func counting(fields ...string) *origin {
	o := newOrigin(nil)
	o.set(func(w http.ResponseWriter, r *http.Request) {
		answer(200, fmt.Sprint(o.calls.Load()), fields...)(w, r)
	})
	return o
}

func purge(t *testing.T, c *holdover.Cache, p holdover.PurgeRequest) {
	t.Helper()
	require.NoError(t, c.Purge(t.Context(), p))
}

// A purge by URL takes all spellings and variants, and nothing else.
func TestPurgeURL(t *testing.T) {
	tests := map[string]struct {
		stored, purged string
		gone           bool
	}{
		"same":             {"http://example.com/a?b=c", "http://example.com/a?b=c", true},
		"https":            {"http://example.com/a", "https://example.com/a", true},
		"http":             {"https://example.com/a", "http://example.com/a", true},
		"host case":        {"http://example.com/a", "http://EXAMPLE.com/a", true},
		"stored host case": {"http://EXAMPLE.com/a", "http://example.com/a", true},
		"scheme case":      {"http://example.com/a", "HTTP://example.com/a", true},
		"default port":     {"http://example.com/a", "http://example.com:80/a", true},
		"stored port":      {"http://example.com:80/a", "http://example.com/a", true},
		"https port":       {"https://example.com:443/a", "https://example.com/a", true},
		"unreserved":       {"http://example.com/~a", "http://example.com/%7Ea", true},
		"hex case":         {"http://example.com/%2fa", "http://example.com/%2Fa", true},
		"root":             {"http://example.com/", "http://example.com", true},
		"fragment":         {"http://example.com/a", "http://example.com/a#b", true},
		"absolute form":    {"absolute http://example.com/a", "http://example.com/a", true},
		"other path":       {"http://example.com/a", "http://example.com/b", false},
		"other query":      {"http://example.com/a?b=1", "http://example.com/a?b=2", false},
		"without query":    {"http://example.com/a?b=1", "http://example.com/a", false},
		"other host":       {"http://example.com/a", "http://example.org/a", false},
		"other port":       {"http://example.com:81/a", "http://example.com/a", false},
		"encoded slash":    {"http://example.com/a/b", "http://example.com/a%2Fb", false},
	}
	for name, tt := range tests {
		for _, vary := range []string{"", "Accept"} {
			t.Run(name+vary, func(t *testing.T) {
				o := counting("Cache-Control", "max-age=60", "Vary", vary)
				c := newCache(t, holdover.Config{})
				h := c.Handler(o)
				visit := func() (bodies []string) {
					for _, accept := range []string{"a", "b"} {
						bodies = append(bodies, ask(h, "GET", tt.stored, "Accept", accept).Body.String())
					}
					return bodies
				}
				before := visit()
				require.Equal(t, before, visit())
				purge(t, c, holdover.PurgeRequest{URL: tt.purged})
				require.Equal(t, tt.gone, before[0] != visit()[0])
				require.Equal(t, tt.gone, before[1] != visit()[1])
				require.Equal(t, visit(), visit(), "stored again")
			})
		}
	}
}

func TestPurgeTag(t *testing.T) {
	fields := map[string][]string{
		"Cache-Groups": {"Cache-Groups", `"a", "b c"`}, "Surrogate-Key": {"Surrogate-Key", "a other"}, "Cache-Tag": {"Cache-Tag", "x, a"},
		"function": {"X-Tag", "a"}, "two lines": {"Cache-Tag", "x", "Cache-Tag", "a"},
	}
	policy := holdover.Policy{
		TagFields: []string{"Surrogate-Key", "cache-tag"},
		Tags:      func(_ *http.Request, _ int, h http.Header) []string { return h.Values("X-Tag") },
	}
	for name, f := range fields {
		t.Run(name, func(t *testing.T) {
			o := counting(append(f, "Cache-Control", "max-age=60")...)
			c := newCache(t, holdover.Config{Policy: policy})
			h := c.Handler(o)
			require.Equal(t, "1", get(h).Body.String())
			for _, other := range []string{"A", "aa", "nothing", "http://example.com/page"} {
				purge(t, c, holdover.PurgeRequest{Tag: other})
				require.Equal(t, "1", get(h).Body.String(), other)
			}
			purge(t, c, holdover.PurgeRequest{Tag: "a"})
			require.Equal(t, "2", get(h).Body.String())
			require.Equal(t, "2", get(h).Body.String())
		})
	}
}

func TestPurgeAll(t *testing.T) {
	o := counting("Cache-Control", "max-age=60")
	c := newCache(t, holdover.Config{})
	h := c.Handler(o)
	for range 2 {
		for i := range 3 {
			require.Equal(t, fmt.Sprint(i+1), ask(h, "GET", fmt.Sprint("http://example.com/", i)).Body.String())
		}
	}
	purge(t, c, holdover.PurgeRequest{All: true})
	for range 2 {
		for i := range 3 {
			require.Equal(t, fmt.Sprint(i+4), ask(h, "GET", fmt.Sprint("http://example.com/", i)).Body.String())
		}
	}
}

// After a soft purge the copy is stale, but stands in for a failure; after a hard one
// it is gone, with its validators.
func TestPurgeSoftAndHard(t *testing.T) {
	for _, soft := range []bool{true, false} {
		for name, p := range map[string]holdover.PurgeRequest{"url": {URL: page1}, "tag": {Tag: "a"}, "all": {All: true}} {
			t.Run(fmt.Sprint(name, soft), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "old", "Cache-Control", "max-age=600, stale-if-error=600", "Cache-Groups", `"a"`, "Etag", `"1"`))
					c := newCache(t, holdover.Config{})
					h := c.Handler(o)
					get(h)
					p.Soft = soft
					purge(t, c, p)
					o.set(answer(503, "bad"))
					require.Equal(t, soft, get(h).Body.String() == "old")
					time.Sleep(time.Minute)
					o.set(func(w http.ResponseWriter, r *http.Request) {
						require.Equal(t, soft, r.Header.Get("If-None-Match") == `"1"`)
						answer(200, "new", "Cache-Control", "max-age=600")(w, r)
					})
					require.Equal(t, "new", get(h).Body.String())
					require.Equal(t, "new", get(h).Body.String())
				})
			})
		}
	}
}

func TestPurgeRequestsThatNameNothing(t *testing.T) {
	c := newCache(t, holdover.Config{})
	for _, p := range []holdover.PurgeRequest{
		{}, {Soft: true}, {URL: "http://a/", Tag: "b"}, {URL: "/path"}, {URL: "ftp://a/"}, {URL: "http:///x"}, {URL: "%"}, {Tag: "a", All: true},
	} {
		require.ErrorIs(t, c.Purge(t.Context(), p), holdover.ErrPurgeRequest, "%+v", p)
	}
}

// Who asks after a purge never gets what was fetched before, wherever the fetch was;
// who asked before may.
func TestPurgeDuringFetch(t *testing.T) {
	for name, p := range map[string]holdover.PurgeRequest{
		"url": {URL: page1}, "tag": {Tag: "a"}, "all": {All: true}, "soft": {URL: page1, Soft: true}, "soft tag": {Tag: "a", Soft: true},
	} {
		for stage, headerAfter := range map[string]time.Duration{"before the header": 2 * time.Second, "midway": 0} {
			t.Run(name+" "+stage, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(nil)
					o.set(func(w http.ResponseWriter, _ *http.Request) {
						n := fmt.Sprint(o.calls.Load())
						time.Sleep(headerAfter)
						setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Cache-Groups", `"a"`})
						_, _ = io.WriteString(w, n)
						_ = http.NewResponseController(w).Flush()
						time.Sleep(2*time.Second - headerAfter)
						_, _ = io.WriteString(w, n)
					})
					c := newCache(t, holdover.Config{})
					h := c.Handler(o)
					old := make(chan string, 2)
					for range 2 {
						go func() { old <- get(h).Body.String() }()
					}
					time.Sleep(time.Second)
					purge(t, c, p)
					together(5, func(int) { require.NotEqual(t, "11", get(h).Body.String()) })
					require.Equal(t, "11", <-old)
					<-old
					time.Sleep(10 * time.Second)
					require.NotEqual(t, "11", get(h).Body.String())
					w := get(h)
					require.Contains(t, w.Header().Get("Cache-Status"), "hit")
					require.NotEqual(t, "11", w.Body.String())
				})
			})
		}
	}
}

// At most two fetches of a key overlap, however often it is purged.
func TestPurgeDuringFetchStartsOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(5 * time.Second)
			running.Add(-1)
			answer(200, "x", "Cache-Control", "max-age=60")(w, r)
		})
		c := newCache(t, holdover.Config{})
		h := c.Handler(o)
		together(8, func(i int) {
			time.Sleep(time.Duration(i) * 300 * time.Millisecond)
			purge(t, c, holdover.PurgeRequest{URL: page1})
			require.Equal(t, "x", get(h).Body.String())
		})
		require.LessOrEqual(t, most.Load(), int64(2))
	})
}

// Unsafe methods that succeed take the page away, at its own URL and at those that
// the answer names on the same origin.
func TestPurgeByUnsafeMethods(t *testing.T) {
	tests := map[string]struct {
		method, url string
		status      int
		fields      []string
		gone        bool
	}{
		"POST":                         {"POST", page1, 200, nil, true},
		"PUT":                          {"PUT", page1, 201, nil, true},
		"DELETE":                       {"DELETE", page1, 204, nil, true},
		"redirect":                     {"POST", page1, 303, nil, true},
		"unknown":                      {"FROB", page1, 200, nil, true},
		"error":                        {"POST", page1, 400, nil, false},
		"failure":                      {"POST", page1, 500, nil, false},
		"OPTIONS":                      {"OPTIONS", page1, 200, nil, false},
		"other spelling":               {"POST", "http://EXAMPLE.com/%70age", 200, nil, false}, // another key stands there: see below
		"absolute form":                {"POST", "absolute " + page1, 200, nil, true},
		"absolute form, Location":      {"POST", "absolute http://example.com/other", 201, []string{"Location", "/page"}, true},
		"other page":                   {"POST", "http://example.com/other", 200, nil, false},
		"Location":                     {"POST", "http://example.com/other", 201, []string{"Location", "/page"}, true},
		"relative":                     {"POST", "http://example.com/other", 201, []string{"Location", "page"}, true},
		"absolute":                     {"POST", "http://example.com/other", 201, []string{"Content-Location", page1}, true},
		"network path":                 {"POST", "http://example.com/other", 201, []string{"Location", "//example.com/page"}, true},
		"error with Location":          {"POST", "http://example.com/other", 400, []string{"Location", "/page"}, false},
		"other host":                   {"POST", "http://example.org/other", 201, []string{"Location", page1}, false},
		"other host, network path":     {"POST", "http://example.org/other", 201, []string{"Location", "//example.com/page"}, false},
		"other port":                   {"POST", "http://example.com:81/other", 201, []string{"Location", page1}, false},
		"Location of a GET is no word": {"GET", "http://example.com/other", 200, []string{"Location", "/page"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := counting("Cache-Control", "max-age=60")
			h := newCache(t, holdover.Config{}).Handler(o)
			require.Equal(t, "1", get(h).Body.String())
			fetch := *o.now.Load()
			o.set(answer(tt.status, "", tt.fields...))
			require.Equal(t, tt.status, ask(h, tt.method, tt.url).Code)
			o.set(fetch)
			if name == "other spelling" {
				get(h)
				return // either is right: both keys are one resource, or they are not
			}
			require.Equal(t, tt.gone, get(h).Body.String() != "1")
		})
	}
}

// The same where the middleware sees another path than the client.
func TestPurgeByUnsafeMethodsBehindStripPrefix(t *testing.T) {
	for _, location := range []string{"", "/api/page"} {
		o := counting("Cache-Control", "max-age=60")
		h := http.StripPrefix("/api", newCache(t, holdover.Config{}).Handler(o))
		const url = "http://example.com/api/page"
		require.Equal(t, "1", ask(h, "GET", url).Body.String())
		fetch := *o.now.Load()
		o.set(answer(201, "", "Location", location))
		target := url
		if location != "" {
			target = "http://example.com/api/other"
		}
		ask(h, "POST", target)
		o.set(fetch)
		require.NotEqual(t, "1", ask(h, "GET", url).Body.String(), location)
	}
}

// A write during a fetch makes what the fetch brings unusable.
func TestPurgeByUnsafeMethodDuringFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(2*time.Second, answer(200, "old", "Cache-Control", "max-age=60")))
		h := newCache(t, holdover.Config{}).Handler(o)
		go get(h)
		time.Sleep(time.Second)
		o.set(answer(204, ""))
		ask(h, "POST", page1)
		time.Sleep(5 * time.Second)
		o.set(answer(200, "new", "Cache-Control", "max-age=60"))
		require.Equal(t, "new", get(h).Body.String())
	})
}

// Keys that the policy extends or rewrites are purged by the URL all the same, also by
// writes that don't carry the other parts.
func TestPurgeExtendedKeys(t *testing.T) {
	policies := map[string]holdover.Key{
		"fields":  {Fields: []string{"X-Tenant"}},
		"cookies": {Cookies: []string{"tenant"}},
		"parts":   {Parts: func(r *http.Request) []string { return []string{r.Header.Get("X-Tenant")} }},
		"target":  {Target: func(r *http.Request) string { return r.URL.Path }}, // without the query
	}
	for name, key := range policies {
		for _, write := range []bool{false, true} {
			t.Run(fmt.Sprint(name, write), func(t *testing.T) {
				o := counting("Cache-Control", "max-age=60")
				c := newCache(t, holdover.Config{Policy: holdover.Policy{Key: key}})
				h := c.Handler(o)
				visit := func() string {
					return ask(h, "GET", page1+"?utm=1", "X-Tenant", "t", "Cookie", "tenant=t").Body.String()
				}
				before := visit()
				require.Equal(t, before, visit())
				url := page1 + "?utm=1"
				if name == "target" {
					url = page1
				}
				if write {
					ask(h, "POST", url)
				} else {
					purge(t, c, holdover.PurgeRequest{URL: url})
				}
				require.NotEqual(t, before, visit())
			})
		}
	}
}
