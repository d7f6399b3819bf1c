// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Mounts of both profiles over one store: what RFC stored for one user, Safe gives to no other.
func TestSafeBesideRFC(t *testing.T) {
	c := newCache(t, holdover.Config{Policy: holdover.Policy{Profile: holdover.RFC}})
	v, err := c.With(holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Hour}})
	require.NoError(t, err)

	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		answer(200, "page of "+r.Header.Get("Cookie"), "Cache-Control", "max-age=0", "Etag", `"1"`)(w, r)
	})
	get(c.Handler(o), "Cookie", "user=alice")
	o.set(answer(503, "down"))
	require.NotContains(t, get(v.Handler(o), "Cookie", "user=bob").Body.String(), "alice")
	require.NotContains(t, get(v.Handler(o)).Body.String(), "alice")

	o = newOrigin(answer(200, "x", "Cache-Control", "max-age=60", "Set-Cookie", "session=alice"))
	const login = "http://example.com/login"
	ask(c.Handler(o), "GET", login)
	require.NotEmpty(t, ask(c.Handler(o), "GET", login).Header()["Set-Cookie"], "RFC 9111 §7.3")
	plain := newOrigin(answer(200, "y", "Cache-Control", "max-age=60"))
	require.Empty(t, ask(v.Handler(plain), "GET", login).Header()["Set-Cookie"])
	require.EqualValues(t, 1, plain.calls.Load())
}

// A method that is answered from the cache invalidates nothing, however large its body.
func TestCachedMethodNeverInvalidates(t *testing.T) {
	o := newOrigin(answer(200, "x", "Cache-Control", "max-age=60"))
	h := newCache(t, holdover.Config{Policy: holdover.Policy{Methods: []string{"GET", "POST"}}}).Handler(o)
	get(h)
	r := request("POST", page1)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 70_000))), 70_000
	h.ServeHTTP(httptest.NewRecorder(), r)
	require.True(t, hit(get(h).Header()))
}

// What outer middleware set for this request goes out with every answer of ours.
func TestOuterFieldsWithShortAnswers(t *testing.T) {
	inner := newCache(t, holdover.Config{}).Handler(digitsPage())
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=mine")
		inner.ServeHTTP(w, r)
	})
	get(h)
	for status, fields := range map[int][]string{304: {"If-None-Match", `"v1"`}, 416: {"Range", "bytes=100-"}, 206: {"Range", "bytes=0-1"}} {
		w := get(h, fields...)
		require.Equal(t, status, w.Code)
		require.Equal(t, []string{"session=mine"}, w.Header()["Set-Cookie"])
	}
}
