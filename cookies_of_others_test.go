// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Who waits where cookies aren't stored gets none of another's, though the fetch that he waits for
// was begun where they are.
func TestCookiesOfAFetchUnderAnotherPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(nil)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			answer(200, "page", "Cache-Control", "public, max-age=60", "Set-Cookie", "of="+r.Header.Get("X-Who"))(w, r)
		})
		c := newCache(t, holdover.Config{})
		p := c.Policy()
		p.Safety.SetCookie = holdover.StoreSetCookie
		v, err := c.With(p)
		require.NoError(t, err)
		go get(v.Handler(o), "X-Who", "alice")
		synctest.Wait()
		together(3, func(i int) {
			who := fmt.Sprint("bob", i)
			w := get(c.Handler(o), "X-Who", who)
			require.Equal(t, []string{"of=" + who}, w.Header()["Set-Cookie"])
		})
	})
}
