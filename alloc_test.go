// SPDX-License-Identifier: MIT

package holdover_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/stores/memory"
)

// allocations counts those of one call. A view is rebuilt once a second: what falls
// into the runs by chance is told from what always happens by trying again.
func allocations(f func()) float64 {
	least := testing.AllocsPerRun(500, f)
	for range 4 {
		if least == 0 {
			break
		}
		least = min(least, testing.AllocsPerRun(500, f))
	}
	return least
}

// client asks a handler for a page again and again, and allocates nothing itself.
type client struct {
	h http.Handler
	w *reusedWriter
	r *http.Request
}

func newClient(h http.Handler, method, url string) *client {
	r := httptest.NewRequest(method, url, nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("User-Agent", "test")
	return &client{h: h, w: &reusedWriter{h: http.Header{}}, r: r}
}

func (c *client) ask() {
	clear(c.w.h)
	c.h.ServeHTTP(c.w, c.r)
}

// mustHit fails unless the page is answered from the store.
func (c *client) mustHit(t *testing.T) {
	t.Helper()
	c.ask()
	require.Contains(t, c.w.h.Get("Cache-Status"), "; hit")
	require.Equal(t, http.StatusOK, c.w.status)
}

const allocURL = "http://example.com/a%20path?q=1"

func TestHitAllocatesNothing(t *testing.T) {
	quiet := func(holdover.Event) {}
	for _, tt := range []struct {
		name   string
		config holdover.Config
		vary   bool
		size   int
	}{
		{"plain", holdover.Config{}, false, 1 << 10},
		{"vary", holdover.Config{}, true, 1 << 10},
		{"large", holdover.Config{}, false, 1 << 20},
		{"with a hook", holdover.Config{OnEvent: quiet}, false, 1 << 10},
		{"vary, with a hook", holdover.Config{OnEvent: quiet}, true, 1 << 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCache(t, tt.config)
			hit := newClient(c.Handler(page(bytes.Repeat([]byte("x"), tt.size), tt.vary)), "GET", allocURL)
			hit.ask()
			hit.mustHit(t)
			require.Zero(t, allocations(hit.ask))
			hit.mustHit(t)
		})
	}
}

func TestHitOnHeadAllocatesNothing(t *testing.T) {
	c := newCache(t, holdover.Config{})
	h := c.Handler(page(bytes.Repeat([]byte("x"), 4096), false))
	newClient(h, "GET", allocURL).ask()
	hit := newClient(h, "HEAD", allocURL)
	hit.mustHit(t)
	require.Equal(t, "4096", hit.w.h.Get("Content-Length"))
	require.Zero(t, allocations(hit.ask))
}

// A stamp holds for one policy: where two take turns, each hit rebuilds it, which is
// what happens to every entry once a second.
func TestRebuildAllocatesTwice(t *testing.T) {
	c := newCache(t, holdover.Config{})
	v, err := c.With(holdover.Policy{})
	require.NoError(t, err)
	origin := page([]byte("x"), false)
	one, other := newClient(c.Handler(origin), "GET", allocURL), newClient(v.Handler(origin), "GET", allocURL)
	one.ask()
	one.mustHit(t)
	other.mustHit(t)
	require.LessOrEqual(t, allocations(func() { one.ask(); other.ask() }), 4.0)
}

// After a mark that is about something else, the first hit looks, and the next ones
// cost nothing.
func TestHitAllocatesNothingAmongMarks(t *testing.T) {
	c := newCache(t, holdover.Config{})
	hit := newClient(c.Handler(page([]byte("x"), false)), "GET", allocURL)
	purge := func() { _ = c.Purge(t.Context(), holdover.PurgeRequest{Tag: "another"}) }
	hit.ask()
	hit.mustHit(t)
	marking := allocations(purge)
	require.LessOrEqual(t, allocations(func() { purge(); hit.ask() })-marking, 2.0)
	hit.mustHit(t)
	require.Zero(t, allocations(hit.ask))
}

// On probation, when it was promoted, and among others that come and go.
func TestHitAllocatesNothingInEitherSegment(t *testing.T) {
	s, err := memory.New(memory.Config{MaxBytes: 1 << 20})
	require.NoError(t, err)
	defer s.Close()
	c := newCache(t, holdover.Config{Store: s})
	h := c.Handler(page(bytes.Repeat([]byte("x"), 1024), false))
	hit := newClient(h, "GET", allocURL)
	hit.ask()
	require.Zero(t, allocations(hit.ask), "on probation")
	for i := range 2000 { // twice of what the store holds
		newClient(h, "GET", fmt.Sprintf("http://example.com/%d", i)).ask()
	}
	require.NotZero(t, s.Stats().Evictions)
	hit.mustHit(t)
	require.Zero(t, allocations(hit.ask), "protected")
}
