// SPDX-License-Identifier: MIT

package holdover_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// A line is served in order, also where some in it no longer need their turns when these come.
func TestLineKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pages = 40
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		s := holdovertest.NewOrigin(o)
		c := newCache(t, holdover.Config{Policy: budgeted(1)})
		h := c.Handler(s)
		v, err := c.With(holdover.Policy{})
		require.NoError(t, err)
		for i := range pages {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		o.set(answer(200, "new", "Cache-Control", "max-age=600"))
		from := time.Now()
		for i := range pages {
			ask(h, "GET", pageURL(i))
		}
		for i := 1; i < pages; i += 2 { // through a mount without a budget
			ask(v.Handler(o), "GET", pageURL(i))
		}
		time.Sleep(2 * time.Minute)
		var order []int
		for _, r := range s.Requests().Between(from, time.Now()) {
			i, err := strconv.Atoi(r.Path[1:])
			require.NoError(t, err)
			order = append(order, i)
		}
		require.GreaterOrEqual(t, len(order), pages/2)
		require.IsIncreasing(t, order)
	})
}
