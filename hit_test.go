// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// newCache makes a cache that ends with the test.
func newCache(t testing.TB, cfg holdover.Config) *holdover.Cache {
	t.Helper()
	if cfg.MaxVariants == 0 { // of two variants in a few thousand slots, one in so many displaces the other
		cfg.MaxVariants = 1 << 30
	}
	c, err := holdover.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// reusedWriter is a ResponseWriter that allocates nothing itself.
type reusedWriter struct {
	h      http.Header
	status int
	n      int
}

func (w *reusedWriter) Header() http.Header         { return w.h }
func (w *reusedWriter) WriteHeader(status int)      { w.status = status }
func (w *reusedWriter) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }

func page(body []byte, vary bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Cache-Control", "max-age=3600")
		h.Set("Etag", `"1"`)
		h.Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		if vary {
			h.Set("Vary", "Accept-Encoding")
		} else {
			h.Set("X-Frame-Options", "DENY")
		}
		_, _ = w.Write(body)
	})
}
