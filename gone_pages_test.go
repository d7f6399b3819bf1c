// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// A page that is gone for everybody ends there, also where each who asks has credentials and the
// answer says that it is nobody else's: what many have been told is true for all.
func TestAPageThatIsGoneForMany(t *testing.T) {
	for _, control := range []string{"no-store", "private"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "page", "Cache-Control", "public, max-age=1, stale-while-revalidate=86400, stale-if-error=86400"))
				h := newCache(t, holdover.Config{}).Handler(o)
				visit := func(i int) int {
					time.Sleep(2 * time.Second)
					return get(h, "Cookie", fmt.Sprint("id=", i)).Code
				}
				require.Equal(t, 200, visit(0))
				o.set(answer(404, "gone", "Cache-Control", control))
				for i := range 20 {
					visit(1 + i)
				}
				require.Equal(t, 404, visit(100))
				o.set(answer(503, "sorry"))
				require.Equal(t, 503, visit(101))
			})
		})
	}
}
