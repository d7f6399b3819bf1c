// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"net/http"
)

// ErrorHandler is for httputil.ReverseProxy.ErrorHandler. It tells the cache that
// the origin could not be reached, which a bare 502 doesn't: a stored response
// may then be used as long as Grace.Keep says. The answer is 504 for timeouts, else 502.
func ErrorHandler(w http.ResponseWriter, r *http.Request, err error) {
	if f, fetched := r.Context().Value(fetchKey{}).(*fetch); fetched {
		f.origin.Store(&err)
	}
	code := http.StatusBadGateway
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		code = http.StatusGatewayTimeout
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(http.StatusText(code) + "\n"))
}
