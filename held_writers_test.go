// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// recycling is a router that keeps something in the context, which it takes back.
func recycling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), heldKey{}, &map[string]int{})))
	})
}

// wrapped hides what its writer can do, but for Unwrap.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// buffered hides it altogether, and so keeps all that is written until the handler returns.
type buffered struct{ http.ResponseWriter }

// Behind a router, a stale answer is there within the soft timeout also where the writer gives
// nothing on before ServeHTTP returns: it doesn't wait for a handler that hangs. A writer that
// can be flushed, be it by way of Unwrap, answers as early as without a router.
func TestHeldBehindWriters(t *testing.T) {
	for name, writer := range map[string]func(http.Handler) http.Handler{
		"http.TimeoutHandler": func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, 2*time.Second, "too late")
		},
		"no Flush": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(buffered{w}, r) })
		},
		"Unwrap": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(wrapped{w}, r) })
		},
	} {
		for _, control := range []string{windowed, "max-age=1, stale-while-revalidate=600"} {
			t.Run(name+", "+control, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", control))
					h := writer(recycling(newCache(t, holdover.Config{}).Handler(s)))
					client := &http.Client{Transport: holdovertest.InProcess(h)}
					visit := func() (took time.Duration) {
						began := time.Now()
						resp, err := client.Get(page1)
						require.NoError(t, err)
						defer resp.Body.Close()
						body := make([]byte, len("hello"))
						_, err = io.ReadFull(resp.Body, body)
						require.NoError(t, err)
						require.Equal(t, "200 hello", resp.Status[:4]+string(body))
						return time.Since(began)
					}
					visit()
					time.Sleep(5 * time.Second)
					s.Behave(holdovertest.Hang())
					for round := range 20 {
						took := visit()
						require.LessOrEqual(t, took, 520*time.Millisecond)
						if name == "Unwrap" && control != windowed {
							require.Zero(t, took)
						}
						if name == "Unwrap" && round == 0 {
							synctest.Wait()
							require.Equal(t, 1, s.Running(), "it runs behind")
						}
						time.Sleep(100 * time.Millisecond)
					}
					time.Sleep(time.Minute)
					require.Zero(t, s.Running())
				})
			})
		}
	}
}
