// SPDX-License-Identifier: MIT

package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// received sends r through the origin's handler and returns what arrives there.
func received(t *testing.T, path string, r *http.Request) *http.Request {
	var got *http.Request
	origin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer origin.Close()
	u, err := url.Parse(origin.URL + path)
	require.NoError(t, err)
	transport := newTransport(0)
	defer transport.CloseIdleConnections()
	newOrigin(u, []string{"QUERY"}, transport, slog.New(slog.DiscardHandler)).ServeHTTP(httptest.NewRecorder(), r)
	require.NotNil(t, got)
	require.Equal(t, u.Host, got.Host, "the origin is asked under its own name")
	return got
}

func TestOriginIsAskedUnderItsOwnName(t *testing.T) {
	r := received(t, "", httptest.NewRequest("GET", "http://site.test/a%2Fb?x=1;y=2&z=%zz", nil))
	require.Equal(t, "/a%2Fb?x=1;y=2&z=%zz", r.RequestURI, "path and query as they came")
	require.Equal(t, "site.test", r.Header.Get("X-Forwarded-Host"))
	require.Equal(t, "192.0.2.1", r.Header.Get("X-Forwarded-For"))
	require.Equal(t, "http", r.Header.Get("X-Forwarded-Proto"))
}

func TestOriginPathGoesInFront(t *testing.T) {
	require.Equal(t, "/base/a?q", received(t, "/base/", httptest.NewRequest("GET", "http://site.test/a?q", nil)).RequestURI)
}

func TestOriginKeepsContentCodings(t *testing.T) {
	require.Empty(t, received(t, "", httptest.NewRequest("GET", "/", nil)).Header["Accept-Encoding"])
}

// Fields that change the answer but aren't in the key are how caches get poisoned.
func TestUnkeyedFieldsDontReachTheOrigin(t *testing.T) {
	r := httptest.NewRequest("GET", "http://site.test/", nil)
	r.Header.Set("X-Forwarded-Host", "evil.test")
	r.Header.Set("Forwarded", "host=evil.test")
	r.Header.Set("X-Original-URL", "/admin")
	r.Header.Set("X-Forwarded-Port", "666")
	r.Header.Set("X-HTTP-Method-Override", "DELETE")
	r.Header.Set("X-Kept", "1")
	got := received(t, "", r).Header
	require.Equal(t, []string{"site.test"}, got["X-Forwarded-Host"])
	for _, name := range []string{"Forwarded", "X-Original-Url", "X-Forwarded-Port", "X-Http-Method-Override"} {
		require.Empty(t, got[name], name)
	}
	require.Equal(t, "1", got.Get("X-Kept"))
}

// What is answered from the cache must not be made another request.
func TestMethodOverrideOfCachedMethods(t *testing.T) {
	r := httptest.NewRequest("QUERY", "http://example.com/", nil)
	r.Header.Set("X-HTTP-Method-Override", "DELETE")
	require.Empty(t, received(t, "", r).Header.Get("X-HTTP-Method-Override"))
}

func TestMethodOverrideOfPostIsTheOriginsAffair(t *testing.T) {
	r := httptest.NewRequest("POST", "http://site.test/", nil)
	r.Header.Set("X-HTTP-Method-Override", "PUT")
	require.Equal(t, "PUT", received(t, "", r).Header.Get("X-HTTP-Method-Override"))
}

func TestForwardedProto(t *testing.T) {
	for _, tc := range []struct {
		given []string
		want  string
	}{
		{nil, "http"},
		{[]string{"https"}, "https"},
		{[]string{"http"}, "http"},
		{[]string{"HTTPS"}, "http"},
		{[]string{"https, http"}, "http"},
		{[]string{"https", "http"}, "http"},
	} {
		r := httptest.NewRequest("GET", "http://site.test/", nil)
		r.Header["X-Forwarded-Proto"] = tc.given
		require.Equal(t, []string{tc.want}, received(t, "", r).Header["X-Forwarded-Proto"], "%q", tc.given)
	}
}

// RFC 9110 §7.6.3: a gateway names itself to the origin, behind those before it.
func TestVia(t *testing.T) {
	require.Equal(t, []string{"1.1 holdover"}, received(t, "", httptest.NewRequest("GET", "http://site.test/", nil)).Header["Via"])
	r := httptest.NewRequest("GET", "http://site.test/", nil)
	r.Header.Set("Via", "2 edge")
	require.Equal(t, []string{"2 edge", "1.1 holdover"}, received(t, "", r).Header["Via"])
}
