// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// A handler that fails never becomes an empty or cut-off 200 for the client.
func TestHTTPFailingHandlers(t *testing.T) {
	flush := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
	}
	tests := map[string]http.HandlerFunc{
		"panic":         func(http.ResponseWriter, *http.Request) { panic("boom") },
		"abort":         func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"goexit":        func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
		"panic midway":  func(w http.ResponseWriter, _ *http.Request) { flush(w); panic("boom") },
		"abort midway":  func(w http.ResponseWriter, _ *http.Request) { flush(w); panic(http.ErrAbortHandler) },
		"goexit midway": func(w http.ResponseWriter, _ *http.Request) { flush(w); runtime.Goexit() },
		"too short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			flush(w)
		},
		"too short at once": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		},
		"nothing of what was announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(200)
		},
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "6")
			flush(w)
			_, _ = io.WriteString(w, "and more")
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				for _, cacheControl := range []string{"max-age=60", "no-store"} {
					o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Cache-Control", cacheControl)
						f(w, r)
					})
					s, client := server(t, newCache(t, holdover.Config{}).Handler(o), proto)
					for range 2 {
						res, err := over(t, client, "GET", s.URL)
						if err == nil && res.err == nil {
							require.GreaterOrEqual(t, res.StatusCode, 500, "%s: %q", cacheControl, res.body)
						}
					}
					o.set(answer(200, "well"))
					res, err := over(t, client, "GET", s.URL)
					require.NoError(t, err)
					require.Equal(t, "well", res.body)
				}
			})
		})
	}
}

// A panic behind a header is raised for whoever began the fetch, however fast it comes.
func TestHTTPPanicBehindErrorHeaderIsRaised(t *testing.T) {
	for _, status := range []int{200, 404, 500} {
		o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "half")
			panic("boom")
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		for range 100 {
			require.Equal(t, "boom", recovered(func() { get(h) }), status)
		}
	}
}

// A handler that ends with its context because the time is over isn't an empty 200,
// on whatever goroutine it runs.
func TestHTTPTimeoutIsNeverAnEmpty200(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: 50 * time.Millisecond}}}).
			Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		s, client := server(t, h, proto)
		requests := map[string][]string{
			"plain": nil, "range": {"Range", "bytes=0-1"}, "no-store": {"Cache-Control", "no-store"}, "condition": {"If-Match", `"1"`},
		}
		for name, fields := range requests {
			res, err := over(t, client, "GET", s.URL, fields...)
			require.NoError(t, err, name)
			require.Equal(t, http.StatusGatewayTimeout, res.StatusCode, name)
		}
		res, err := over(t, client, "HEAD", s.URL)
		require.NoError(t, err)
		require.Equal(t, http.StatusGatewayTimeout, res.StatusCode)
	})
}

// Half a body breaks off for the client also where middleware outside swallows panics:
// it never looks whole.
func TestHTTPHalfABodyBehindRecoverer(t *testing.T) {
	half := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
	}
	for name, f := range map[string]http.HandlerFunc{
		"panic":  func(w http.ResponseWriter, _ *http.Request) { half(w); panic("boom") },
		"abort":  func(w http.ResponseWriter, _ *http.Request) { half(w); panic(http.ErrAbortHandler) },
		"goexit": func(w http.ResponseWriter, _ *http.Request) { half(w); runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				sent := make(chan struct{}, 2)
				o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					half(w)
					<-sent // the client has it
					f(w, r)
				})
				h := newCache(t, holdover.Config{}).Handler(o)
				recoverer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() {
						if value := recover(); value == http.ErrAbortHandler {
							panic(value)
						}
					}()
					h.ServeHTTP(w, r)
				})
				s, client := server(t, recoverer, proto)
				res, err := client.Get(s.URL)
				require.NoError(t, err)
				defer res.Body.Close()
				_, err = io.ReadFull(res.Body, make([]byte, 4))
				require.NoError(t, err)
				sent <- struct{}{}
				_, err = io.ReadAll(res.Body)
				require.Error(t, err)
			})
		})
	}
}
