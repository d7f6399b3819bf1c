// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

func page(h http.Handler, target string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Body.String()
}

func TestPageTellsWhenItWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		holdovertest.Pages("max-age=1").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a%20b?c=d", nil))
		body, then := w.Body.String(), time.Now()
		require.Equal(t, "max-age=1", w.Header().Get("Cache-Control"))
		require.Equal(t, "1024", w.Header().Get("Content-Length"))
		require.Len(t, body, 1024)

		time.Sleep(time.Hour)
		made, err := holdovertest.ReadPage("/a%20b?c=d", body)
		require.NoError(t, err)
		require.Equal(t, then.UnixNano(), made.UnixNano())
	})
}

func TestPageWithoutLifetime(t *testing.T) {
	w := httptest.NewRecorder()
	holdovertest.Pages("").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.NotContains(t, w.Header(), "Cache-Control")
}

func TestPageOfAnySize(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 100, 101, 5000, 1 << 20} {
		body := page(holdovertest.Pages("", holdovertest.PageSize(size)), "/p")
		require.GreaterOrEqual(t, len(body), size)
		_, err := holdovertest.ReadPage("/p", body)
		require.NoError(t, err, size)
	}
}

func TestNoRightPage(t *testing.T) {
	whole := page(holdovertest.Pages(""), "/p")
	for name, body := range map[string]string{
		"empty":          "",
		"another path":   page(holdovertest.Pages(""), "/q"),
		"half":           whole[:len(whole)/2],
		"a byte less":    whole[:len(whole)-1],
		"a byte more":    whole + " ",
		"without start":  whole[1:],
		"another inside": strings.Replace(whole, "..", ".,", 1),
		"another hash":   whole[:len(whole)-1] + "x",
		"something else": "<html>502 Bad Gateway</html>",
		"shorter":        "x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := holdovertest.ReadPage("/p", body)
			require.Error(t, err)
		})
	}
}

func TestPageOfAUser(t *testing.T) {
	pages := holdovertest.Pages("private", holdovertest.PageUser(func(r *http.Request) string { return r.Header.Get("X-User") }))
	of := func(user string) string {
		r, w := httptest.NewRequest(http.MethodGet, "/p", nil), httptest.NewRecorder()
		r.Header.Set("X-User", user)
		pages.ServeHTTP(w, r)
		return w.Body.String()
	}
	for _, user := range []string{"", "ann", "bob", "ann b", "a\tuser=x", "\n"} {
		_, err := holdovertest.ReadPageOf(user, "/p", of(user))
		require.NoError(t, err, user)
	}
	_, err := holdovertest.ReadPageOf("ann", "/p", of("bob"))
	require.ErrorContains(t, err, "bob")
	_, err = holdovertest.ReadPageOf("ann", "/p", of(""))
	require.Error(t, err)
	_, err = holdovertest.ReadPage("/p", of("ann"))
	require.Error(t, err, "a user's page isn't everybody's")
}
