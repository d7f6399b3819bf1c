// SPDX-License-Identifier: MIT

package holdover_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// What was asked decides about a response, not what the handler made of its request:
// middleware for compression deletes Accept-Encoding.
func TestIdentityHandlerEditsItsRequest(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		coding := r.Header.Get("Accept-Encoding")
		r.Header.Del("Accept-Encoding")
		answer(200, "as "+coding, "Cache-Control", "max-age=60", "Vary", "Accept-Encoding")(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for range 2 {
		require.Equal(t, "as gzip", get(h, "Accept-Encoding", "gzip").Body.String())
		require.Equal(t, "as ", get(h).Body.String())
	}
	require.EqualValues(t, 2, o.calls.Load(), "each variant is found by those who asked for it")
}

// Middleware may write into the URL who asks.
func TestIdentityOuterMiddlewareRewritesTheQuery(t *testing.T) {
	for name, rewrite := range map[string]func(*url.URL, string){
		"replaced":            func(u *url.URL, tenant string) { u.RawQuery = "tenant=" + tenant },
		"extended":            func(u *url.URL, tenant string) { u.RawQuery += "&tenant=" + tenant },
		"replaced, with path": func(u *url.URL, tenant string) { u.Path, u.RawQuery = "/", "tenant="+tenant },
		"for one alone":       func(u *url.URL, tenant string) { u.RawQuery = strings.Repeat("tenant=b", strings.Count(tenant, "b")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newCache(t, holdover.Config{}).Handler(echo(func(r *http.Request) string { return r.URL.RawQuery }))
			outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rewrite(r.URL, r.Header.Get("X-Tenant"))
				h.ServeHTTP(w, r)
			})
			for range 2 {
				a := ask(outer, "GET", page1+"?q=1", "X-Tenant", "a").Body.String()
				b := ask(outer, "GET", page1+"?q=1", "X-Tenant", "b").Body.String()
				require.NotContains(t, a, "tenant=b")
				require.Contains(t, b, "tenant=b")
			}
		})
	}
}

// A body means what its type and coding make of it.
func TestIdentityRequestBody(t *testing.T) {
	o := echo(func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		return strings.Join([]string{r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), string(body)}, "|")
	})
	h := newCache(t, holdover.Config{Policy: holdover.Policy{Methods: []string{"GET", "POST"}}}).Handler(o)
	requests := [][3]string{
		{"text/plain", "", "q=1"}, {"application/x-www-form-urlencoded", "", "q=1"}, {"", "", "q=1"}, {"text/plain", "gzip", "q=1"},
		{"", "text/plain", "q=1"}, {"text/plain", "", "q=2"}, {"text/plain", "", "1"}, {"text/plainq=", "", "1"},
	}
	for range 2 {
		for _, tt := range requests {
			r := httptest.NewRequest("POST", page1, strings.NewReader(tt[2]))
			for i, name := range []string{"Content-Type", "Content-Encoding"} {
				if tt[i] != "" {
					r.Header.Set(name, tt[i])
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, strings.Join(tt[:], "|"), w.Body.String())
		}
	}
	require.EqualValues(t, len(requests), o.calls.Load(), "the same body of the same type is the same request")
}

// asOwner is a request over TLS by who has a certificate of that name, "" for nobody.
func asOwner(h http.Handler, name string) string {
	r := request("GET", "https://example.com/me")
	if name != "" {
		cert := &x509.Certificate{}
		cert.Subject.CommonName = name
		r.TLS.PeerCertificates = []*x509.Certificate{cert}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Body.String()
}

func nameOf(state *tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 {
		return "nobody"
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// A client certificate is a credential: lifetimes that the origin didn't give never apply.
func TestIdentityClientCertificate(t *testing.T) {
	modified := time.Now().Add(-24 * time.Hour).UTC().Format(http.TimeFormat)
	for name, p := range map[string]holdover.Policy{
		"default":   {Freshness: holdover.Freshness{DefaultTTL: time.Minute}},
		"rule":      {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{200: {TTL: time.Minute}}}},
		"heuristic": {Freshness: holdover.Freshness{HeuristicFraction: 0.5}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
				answer(200, nameOf(r.TLS), "Last-Modified", modified)(w, r)
			})
			h := newCache(t, holdover.Config{Policy: p}).Handler(o)
			for range 2 {
				require.Equal(t, "a", asOwner(h, "a"))
				require.Equal(t, "b", asOwner(h, "b"))
				require.Equal(t, "nobody", asOwner(h, ""))
				require.Equal(t, "a", asOwner(h, "a"), "nor the page that was stored for nobody")
			}
			before := o.calls.Load()
			require.Equal(t, "nobody", asOwner(h, ""))
			require.Equal(t, before, o.calls.Load(), "those without are answered from the store")
		})
	}
}

// What was made for a user, and what nobody could ever reuse unasked, stands in for
// nobody's failure: no window of the policy applies to it.
func TestIdentityPersonalIsNeverStale(t *testing.T) {
	policies := map[string]holdover.Policy{
		"keep":  {},
		"error": {Grace: holdover.Grace{StaleIfError: time.Hour}},
		"while": {Grace: holdover.Grace{StaleWhileRevalidate: time.Hour}},
	}
	users := map[string]func(h http.Handler, user string) string{
		"cookie":      func(h http.Handler, user string) string { return get(h, "Cookie", user).Body.String() },
		"certificate": asOwner,
	}
	for name, p := range policies {
		for by, as := range users {
			for _, control := range []string{"max-age=0", "s-maxage=0, max-age=60", "no-cache"} {
				t.Run(name+"/"+by+"/"+control, func(t *testing.T) {
					o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
						who := r.Header.Get("Cookie")
						if who == "" && r.TLS != nil {
							who = nameOf(r.TLS)
						}
						answer(200, "page of "+who, "Cache-Control", control, "Etag", `"`+who+`"`)(w, r)
					})
					h := newCache(t, holdover.Config{Policy: p}).Handler(o)
					require.Equal(t, "page of a", as(h, "a"))
					require.NotEqual(t, "page of a", as(h, "b"), "from a healthy origin")
					require.Equal(t, "page of a", as(h, "a"))
					o.set(unreachable())
					require.NotContains(t, as(h, "b"), "page of")
				})
			}
		}
	}
}

// The origin may give such a response a window of its own. No other goes beyond that.
func TestIdentityPersonalHasTheOriginsWindowsOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		control string
		request []string
	}{
		"error":         {"max-age=0, stale-while-revalidate=5", nil},
		"while":         {"max-age=0, stale-if-error=5", nil},
		"the request's": {"max-age=0, stale-if-error=5", []string{"Cache-Control", "stale-if-error=600, max-stale"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Hour, StaleWhileRevalidate: time.Hour}}
				o := newOrigin(answer(200, "page of a", "Cache-Control", tt.control))
				h := newCache(t, holdover.Config{Policy: policy, Detach: detached}).Handler(o)
				get(h, "Cookie", "a")
				o.set(unreachable())
				time.Sleep(4 * time.Second)
				require.Equal(t, "page of a", get(h, "Cookie", "a").Body.String())
				time.Sleep(4 * time.Second)
				require.NotEqual(t, "page of a", get(h, append(tt.request, "Cookie", "b")...).Body.String())
			})
		})
	}
}

// A date says of a page when its template was made, not whose it is: what may be one
// user's own isn't validated for another.
func TestIdentityPersonalIsNotValidatedForOthers(t *testing.T) {
	modified := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, control := range []string{"no-cache", "max-age=0", "max-age=0, must-revalidate", "max-age=60, no-cache"} {
		t.Run(control, func(t *testing.T) {
			h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("If-Modified-Since") == modified {
					answer(304, "", "Cache-Control", control)(w, r)
					return
				}
				answer(200, "page of "+r.Header.Get("Cookie"), "Cache-Control", control, "Last-Modified", modified)(w, r)
			}))
			for range 2 {
				for _, user := range []string{"a", "b"} {
					require.Equal(t, "page of "+user, get(h, "Cookie", user).Body.String())
				}
			}
		})
	}
}

// A request that was made by hand, as in-process clients do, has no request target. Its URL
// tells it from others under every policy.
func TestIdentityRequestsMadeByHand(t *testing.T) {
	list, err := holdover.NewAllowList("gold")
	require.NoError(t, err)
	for name, p := range map[string]holdover.Policy{
		"plain": {}, "credential in the query": {Fallback: holdover.Fallback{List: list, Query: "key"}},
		"extended": {Key: holdover.Key{Fields: []string{"X-Tenant"}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newCache(t, holdover.Config{Policy: p}).Handler(echo(func(r *http.Request) string { return r.URL.String() }))
			for range 2 {
				for _, url := range []string{page1, page1 + "?a", page1 + "?key=gold", page1 + "?key=x", "http://example.com/other"} {
					r, err := http.NewRequest("GET", url, nil)
					require.NoError(t, err)
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					require.Equal(t, url, w.Body.String())
				}
			}
		})
	}
}
