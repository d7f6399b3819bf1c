// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Where nothing can run behind a request, it revalidates nothing early: its answer would wait for
// the fetch. On HTTP/1 the connection ends with it instead.
func TestEarlyRevalidationRunsBehindOrNotAtAll(t *testing.T) {
	for _, proto := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(slowly(20*time.Second, answer(200, "page", "Cache-Control", "max-age=100")))
			h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{EarlyRevalidation: 100}}}).Handler(o)
			get(h) // eighty seconds are left of it, and a request fetches it early at 24 of 25 times
			together(20, func(int) {
				began := time.Now()
				w := held(h, proto, page1)
				require.Equal(t, "page", w.Body.String())
				if proto == 2 {
					require.Zero(t, time.Since(began))
				}
			})
			synctest.Wait()
			require.EqualValues(t, 3-proto, o.calls.Load(), "HTTP/%d", proto)
		})
	}
}
