// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// posting answers POST and the like with fields, and GET with what isn't stored.
func posting(fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answer(200, "from GET", "Cache-Control", "no-store")(w, r)
			return
		}
		answer(200, "from "+r.Method, fields...)(w, r)
	}
}

// RFC 9110 §9.3.3, RFC 5789 §2: the response to a POST or PATCH answers later GETs if it
// says so by Content-Location, and has an explicit lifetime.
func TestRepresentationOfAnUnsafeRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		fields []string
		stored bool
	}{
		"path":                    {"POST", []string{"Content-Location", "/page", "Cache-Control", "max-age=60"}, true},
		"absolute":                {"POST", []string{"Content-Location", page1, "Cache-Control", "max-age=60"}, true},
		"relative":                {"POST", []string{"Content-Location", "page", "Cache-Control", "max-age=60"}, true},
		"PATCH":                   {"PATCH", []string{"Content-Location", "/page", "Cache-Control", "max-age=60"}, true},
		"PUT has no such meaning": {"PUT", []string{"Content-Location", "/page", "Cache-Control", "max-age=60"}, false},
		"another path":            {"POST", []string{"Content-Location", "/other", "Cache-Control", "max-age=60"}, false},
		"another query":           {"POST", []string{"Content-Location", "/page?q", "Cache-Control", "max-age=60"}, false},
		"another host":            {"POST", []string{"Content-Location", "http://example.net/page", "Cache-Control", "max-age=60"}, false},
		"another scheme":          {"POST", []string{"Content-Location", "https://example.com/page", "Cache-Control", "max-age=60"}, false},
		"a fragment":              {"POST", []string{"Content-Location", "/page#x", "Cache-Control", "max-age=60"}, false},
		"none":                    {"POST", []string{"Cache-Control", "max-age=60"}, false},
		"two":                     {"POST", []string{"Content-Location", "/page", "Content-Location", "/page", "Cache-Control", "max-age=60"}, false},
		"no lifetime":             {"POST", []string{"Content-Location", "/page", "Etag", `"1"`}, false},
		"only a heuristic":        {"POST", []string{"Content-Location", "/page", "Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"}, false},
		"stale at once":           {"POST", []string{"Content-Location", "/page", "Cache-Control", "max-age=0", "Etag", `"1"`}, false},
		"no-store":                {"POST", []string{"Content-Location", "/page", "Cache-Control", "max-age=60, no-store"}, false},
		"sets a cookie":           {"POST", []string{"Content-Location", "/page", "Cache-Control", "max-age=60", "Set-Cookie", "a=b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(posting(tt.fields...))
			h := newCache(t, holdover.Config{}).Handler(o)
			require.Equal(t, "from "+tt.method, ask(h, tt.method, page1).Body.String())
			w := get(h)
			if !tt.stored {
				require.Equal(t, "from GET", w.Body.String())
				return
			}
			require.Equal(t, "from "+tt.method, w.Body.String())
			require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
			require.EqualValues(t, 1, o.calls.Load())
			require.Equal(t, "from GET", ask(h, "GET", page1+"?other").Body.String())
			ask(h, tt.method, page1)
			require.EqualValues(t, 3, o.calls.Load(), "it answers no other %s", tt.method)
		})
	}
}

// It takes the place of what was stored, and is itself invalidated by the next one.
func TestRepresentationReplaces(t *testing.T) {
	body := "old"
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		answer(200, body, "Cache-Control", "max-age=60", "Content-Location", "/page", "Vary", "Accept-Language")(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	require.Equal(t, "old", get(h).Body.String())
	for _, body = range []string{"new", "newer"} {
		ask(h, "POST", page1)
		calls := o.calls.Load()
		require.Equal(t, body, get(h).Body.String())
		require.Equal(t, calls, o.calls.Load())
	}
	o.set(posting())
	ask(h, "POST", page1)
	require.Equal(t, "from GET", get(h).Body.String())
}

// What is purged while the handler runs isn't stored.
func TestRepresentationAndPurges(t *testing.T) {
	for name, p := range map[string]holdover.PurgeRequest{
		"url": {URL: page1}, "softly": {URL: page1, Soft: true}, "tag": {Tag: "t"}, "all": {All: true},
	} {
		for _, stored := range []bool{false, true} {
			c := newCache(t, holdover.Config{})
			o := newOrigin(answer(200, "stored", "Cache-Control", "max-age=60"))
			h := c.Handler(o)
			if stored {
				get(h)
			}
			o.set(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					posting()(w, r)
					return
				}
				setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Location", "/page", "Cache-Groups", `"t"`})
				_, _ = io.WriteString(w, "from ")
				require.NoError(t, c.Purge(context.Background(), p))
				_, _ = io.WriteString(w, "POST")
			})
			ask(h, "POST", page1)
			require.Equal(t, "from GET", get(h).Body.String(), name)

			require.NoError(t, c.Purge(context.Background(), p))
			o.set(posting("Cache-Control", "max-age=60", "Content-Location", "/page"))
			ask(h, "POST", page1)
			require.Equal(t, "from POST", get(h).Body.String(), "%s: after it", name)
		}
	}
}

// Half a body is nobody's representation, nor is one that the policy doesn't want.
func TestRepresentationThatIsNotStored(t *testing.T) {
	fields := []string{"Cache-Control", "max-age=60", "Content-Location", "/page"}
	for name, tt := range map[string]struct {
		policy holdover.Policy
		post   http.HandlerFunc
	}{
		"too short":    {holdover.Policy{}, answer(200, "half", append(fields, "Content-Length", "8")...)},
		"too large":    {holdover.Policy{Safety: holdover.Safety{MaxBody: 3}}, answer(200, "four", fields...)},
		"no 200":       {holdover.Policy{}, answer(201, "made", fields...)},
		"outcome none": {holdover.Policy{Outcome: holdover.None}, answer(200, "x", fields...)},
		"bypassed":     {holdover.Policy{Bypass: func(r *http.Request) bool { return r.Method == "POST" }}, answer(200, "x", fields...)},
		"it breaks off": {holdover.Policy{}, func(w http.ResponseWriter, r *http.Request) {
			answer(200, "x", fields...)(w, r)
			panic(http.ErrAbortHandler)
		}},
		"client is gone": {holdover.Policy{}, answer(200, "gone", fields...)},
	} {
		o := newOrigin(posting())
		h := newCache(t, holdover.Config{Policy: tt.policy}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				o.ServeHTTP(w, r)
				return
			}
			tt.post(w, r)
		}))
		var w http.ResponseWriter = httptest.NewRecorder()
		if name == "client is gone" {
			w = deaf{w}
		}
		recovered(func() { h.ServeHTTP(w, request("POST", page1)) })
		require.Equal(t, "from GET", get(h).Body.String(), name)
	}
}

// deaf is a client that has left.
type deaf struct{ http.ResponseWriter }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Outer middleware's fields belong to its request and are not stored.
func TestRepresentationLeavesOutWhatOuterMiddlewareSet(t *testing.T) {
	h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		answer(200, "x", "Cache-Control", "max-age=60", "Content-Location", "/page", "X-Same", "1")(w, r)
	}))
	w := httptest.NewRecorder()
	setFields(w.Header(), []string{"X-Request-Id", "7", "Vary", "Origin", "X-Same", "1"})
	h.ServeHTTP(w, request("POST", page1))
	got := get(h).Header()
	require.Contains(t, got.Get("Cache-Status"), "; hit")
	require.Empty(t, got.Get("X-Request-Id"))
	require.Equal(t, []string{"Origin", "Accept"}, got["Vary"], "of what selects, too much is safe")
	require.NotContains(t, get(h, "Origin", "x").Header().Get("Cache-Status"), "; hit")
}

// Over connections, with the copy in the kernel that ReadFrom is for.
func TestRepresentationOverConnections(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Location", r.URL.Path})
			_, _ = io.Copy(w, strings.NewReader(strings.Repeat(r.Method, 50_000)))
		})
		s, client := server(t, newCache(t, holdover.Config{}).Handler(o), proto)
		for _, method := range []string{"POST", "GET"} {
			res, err := over(t, client, method, s.URL+"/x")
			require.NoError(t, err)
			require.Equal(t, strings.Repeat("POST", 50_000), res.body)
			time.Sleep(20 * time.Millisecond) // it is stored when the handler has returned
		}
		require.EqualValues(t, 1, o.calls.Load())
	})
}
