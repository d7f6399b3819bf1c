// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

const purgeAll = `{"all":true}`

func admin(t *testing.T, token string) http.Handler {
	cache, err := holdover.New(holdover.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	return newAdmin(cache, &members{labels: []string{"memory:"}}, token)
}

// ask sends a request with these pairs of fields.
func ask(h http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPurgeRequests(t *testing.T) {
	h := admin(t, "")
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"url", `{"url":"http://site.test/a"}`, 200, `"url":"http://site.test/a"`},
		{"tag", `{"tag":"news"}`, 200, `"tag":"news"`},
		{"all", purgeAll, 200, `"status":"purged"`},
		{"soft", `{"tag":"news","soft":true}`, 200, `"soft":true`},
		{"blank behind", purgeAll + " \n", 200, "purged"},
		{"nothing", `{}`, 400, "exactly one of"},
		{"null", `null`, 400, "exactly one of"},
		{"only soft", `{"soft":true}`, 400, "exactly one of"},
		{"all false", `{"all":false}`, 400, "exactly one of"},
		{"two", `{"url":"http://site.test/a","tag":"news"}`, 400, "exactly one of"},
		{"tag and all", `{"tag":"news","all":true}`, 400, "exactly one of"},
		{"unknown member", `{"tags":"news","all":true}`, 400, "tags"},
		{"relative", `{"url":"/a"}`, 400, "absolute"},
		{"no host", `{"url":"http:///a"}`, 400, "absolute"},
		{"scheme", `{"url":"file://site.test/a"}`, 400, "absolute"},
		{"type", `{"all":"yes"}`, 400, "all"},
		{"no JSON", `all`, 400, "invalid"},
		{"empty", ``, 400, "EOF"},
		{"two objects", purgeAll + purgeAll, 400, "nothing behind"},
		{"huge", `{"tag":"` + strings.Repeat("x", maxPurgeBody) + `"}`, 413, "too large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := ask(h, "POST", "http://localhost/purge", tc.body)
			require.Equal(t, tc.status, w.Code, w.Body)
			require.True(t, json.Valid(w.Body.Bytes()))
			require.Contains(t, w.Body.String(), tc.want)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		})
	}
}

func TestAdminRoutes(t *testing.T) {
	h := admin(t, "")
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/stats", 200},
		{"POST", "/stats", 405},
		{"GET", "/purge", 405},
		{"DELETE", "/purge", 405},
		{"GET", "/", 404},
		{"GET", "/stats/", 404},
		{"POST", "//purge", 404},
		{"GET", "/debug/pprof/", 404},
	} {
		w := ask(h, tc.method, "http://127.0.0.1:9000"+tc.path, purgeAll)
		require.Equal(t, tc.status, w.Code, "%s %s", tc.method, tc.path)
		require.True(t, json.Valid(w.Body.Bytes()))
	}
}

func TestStatsIsAnObject(t *testing.T) {
	w := ask(admin(t, ""), "GET", "http://127.0.0.1/stats", "")
	var stats map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &stats))
	require.Contains(t, stats, "requests")
	require.Equal(t, []any{map[string]any{"store": "memory:", "state": "closed"}}, stats["stores"])
}

// A page that the operator's browser shows must not purge.
func TestPurgeRefusesCrossSitePosts(t *testing.T) {
	for _, token := range []string{"", "secret"} {
		h, auth := admin(t, token), "Bearer "+token
		w := ask(h, "POST", "http://localhost/purge", purgeAll, "Authorization", auth, "Sec-Fetch-Site", "cross-site")
		require.Equal(t, 403, w.Code)
		w = ask(h, "POST", "http://localhost/purge", purgeAll, "Authorization", auth, "Origin", "http://evil.test")
		require.Equal(t, 403, w.Code)
		w = ask(h, "POST", "http://localhost/purge", purgeAll, "Authorization", auth, "Sec-Fetch-Site", "same-origin")
		require.Equal(t, 200, w.Code)
	}
}

// Nor may a page whose name was made to resolve to 127.0.0.1.
func TestAdminWithoutTokenRefusesOtherNames(t *testing.T) {
	h := admin(t, "")
	for _, host := range []string{"evil.test", "evil.test:9000", "192.0.2.1", "localhost.evil.test", "127.0.0.1.evil.test"} {
		require.Equal(t, 421, ask(h, "GET", "http://"+host+"/stats", "").Code, host)
	}
	for _, host := range []string{"localhost", "localhost:9000", "127.0.0.1:9000", "[::1]:9000", "[::1]"} {
		require.Equal(t, 200, ask(h, "GET", "http://"+host+"/stats", "").Code, host)
	}
}

func TestAdminToken(t *testing.T) {
	h := admin(t, "secret")
	for _, given := range []string{"", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer  secret", "Basic secret"} {
		for _, path := range []string{"/stats", "/purge", "/none"} {
			w := ask(h, "GET", "http://admin.test"+path, "", "Authorization", given)
			require.Equal(t, 401, w.Code, "%q", given)
			require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
		}
	}
	require.Equal(t, 200, ask(h, "GET", "http://admin.test/stats", "", "Authorization", "Bearer secret").Code)
	require.Equal(t, 200, ask(h, "POST", "http://admin.test/purge", purgeAll, "Authorization", "bearer secret").Code)
}
