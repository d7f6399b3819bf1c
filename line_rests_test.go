// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// A page that rests after a failure when its turn comes keeps nobody behind it from his.
func TestAPageThatRestsDoesNotEndTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}})
		h := c.Handler(o)
		for i := range 4 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		o.set(answer(200, "new", "Cache-Control", "max-age=60"))
		for i := range 4 { // the first one takes the token
			ask(h, "GET", pageURL(i))
		}
		require.Equal(t, 3, c.Stats().Queued)
		time.Sleep(500 * time.Millisecond)
		o.set(unreachable())
		ask(h, "GET", pageURL(1), "Cache-Control", "no-cache")
		o.set(answer(200, "new", "Cache-Control", "max-age=60"))
		time.Sleep(4 * time.Second)
		require.Zero(t, c.Stats().Queued)
		asked := o.calls.Load()
		for _, i := range []int{0, 2, 3} {
			require.Equal(t, "new", ask(h, "GET", pageURL(i)).Body.String())
		}
		require.Equal(t, asked, o.calls.Load())
	})
}
