// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// RFC 9875 §3: the response to an unsafe method invalidates the groups that it names, of its
// own origin only.
func TestCacheGroupInvalidation(t *testing.T) {
	for name, tt := range map[string]struct {
		method, host string
		status       int
		field        string
		gone         bool
	}{
		"POST":             {"POST", "example.com", 200, `"books"`, true},
		"an unknown one":   {"CHANGE", "example.com", 204, `"books"`, true},
		"among others":     {"POST", "example.com", 303, `"a";x=1, "books", "c"`, true},
		"host in capitals": {"POST", "EXAMPLE.com", 200, `"books"`, true},
		"the default port": {"POST", "example.com:80", 200, `"books"`, true},
		"another group":    {"POST", "example.com", 200, `"Books"`, false},
		"an error":         {"POST", "example.com", 500, `"books"`, false},
		"refused":          {"POST", "example.com", 403, `"books"`, false},
		"a safe method":    {"OPTIONS", "example.com", 200, `"books"`, false},
		"another origin":   {"POST", "example.net", 200, `"books"`, false},
		"no string":        {"POST", "example.com", 200, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, holdover.Config{})
			h := c.Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					answer(200, "x", "Cache-Control", "max-age=60", "Cache-Groups", `"books", "all"`)(w, r)
					return
				}
				w.Header()["cache-group-invalidation"] = []string{tt.field} // net/http sends that, too
				w.WriteHeader(tt.status)
			}))
			get(h)
			ask(h, tt.method, "http://"+tt.host+"/other")
			require.Equal(t, !tt.gone, hit(get(h).Header()))
			require.True(t, hit(get(h).Header()), "what comes after is stored again")
		})
	}
}

// A purge by tag means the groups of that name at all origins.
func TestPurgeOfAGroup(t *testing.T) {
	c := newCache(t, holdover.Config{})
	h := c.Handler(newOrigin(answer(200, "x", "Cache-Control", "max-age=60", "Cache-Groups", `"books"`)))
	for _, url := range []string{page1, "http://example.net/page"} {
		ask(h, "GET", url)
		require.True(t, hit(ask(h, "GET", url).Header()))
	}
	purge(t, c, holdover.PurgeRequest{Tag: "books"})
	for _, url := range []string{page1, "http://example.net/page"} {
		require.False(t, hit(ask(h, "GET", url).Header()))
	}
}
