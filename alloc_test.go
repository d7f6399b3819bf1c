// SPDX-License-Identifier: MIT

//go:build !race

// Under the race detector a sync.Pool drops what it is given at random, so that
// allocations can't be counted. These tests run without it.

package holdover_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func TestHitAllocatesNothing(t *testing.T) {
	for name, vary := range map[string]bool{"plain": false, "vary": true} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, holdover.Config{})
			h := c.Handler(page(bytes.Repeat([]byte("x"), 1024), vary))
			r := httptest.NewRequest("GET", "http://example.com/a%20path?q=1", nil)
			r.Header.Set("Accept-Encoding", "gzip, br")
			r.Header.Set("Accept", "text/html,application/xhtml+xml")
			r.Header.Set("User-Agent", "test")
			w := &reusedWriter{h: http.Header{}}
			h.ServeHTTP(w, r)
			clear(w.h)
			h.ServeHTTP(w, r)
			require.Contains(t, w.h.Get("Cache-Status"), "hit")
			// A view is rebuilt once a second: retry when that falls into the runs.
			allocs := 1.0
			for range 5 {
				if allocs = testing.AllocsPerRun(1000, func() { clear(w.h); h.ServeHTTP(w, r) }); allocs == 0 {
					break
				}
			}
			require.Zero(t, allocs)
			require.Equal(t, http.StatusOK, w.status)
		})
	}
}
