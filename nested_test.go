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

// Handlers of a cache inside one another, as a router's Use and With make them, never
// wait for themselves; the origin is asked once and the outermost policy counts.
func TestNestedHandlers(t *testing.T) {
	type wrap func(t *testing.T, c *holdover.Cache, next http.Handler) http.Handler
	own := func(_ *testing.T, c *holdover.Cache, next http.Handler) http.Handler { return c.Handler(next) }
	view := func(t *testing.T, c *holdover.Cache, next http.Handler) http.Handler {
		v, err := c.With(holdover.Policy{Freshness: holdover.Freshness{DefaultTTL: time.Hour}})
		require.NoError(t, err)
		return v.Handler(next)
	}
	keyed := func(t *testing.T, c *holdover.Cache, next http.Handler) http.Handler {
		v, err := c.With(holdover.Policy{Key: holdover.Key{Fields: []string{"X-Tenant"}}})
		require.NoError(t, err)
		return v.Handler(next)
	}
	another := func(t *testing.T, _ *holdover.Cache, next http.Handler) http.Handler {
		return newCache(t, holdover.Config{Detach: detached}).Handler(next)
	}
	stripped := func(_ *testing.T, c *holdover.Cache, next http.Handler) http.Handler {
		return http.StripPrefix("/page", c.Handler(next))
	}
	for name, chain := range map[string][]wrap{
		"the same": {own, own}, "a view within": {own, view}, "a view outside": {view, own}, "three": {own, view, own},
		"other keys": {own, keyed}, "another cache": {own, another}, "another between": {own, another, own}, "another path": {own, stripped},
	} {
		for _, first := range [][]string{{"GET"}, {"HEAD"}, {"GET", "Cookie", "a=1"}, {"GET", "Cache-Control", "no-cache"}} {
			t.Run(fmt.Sprint(name, first), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCache(t, holdover.Config{Detach: detached})
					o := newOrigin(answer(200, "x", "Cache-Control", "max-age=10"))
					h := http.Handler(o)
					for i := range chain {
						h = chain[len(chain)-1-i](t, c, h)
					}
					began := time.Now()
					for range 2 {
						require.Equal(t, 200, ask(h, first[0], page1, first[1:]...).Code)
					}
					require.Less(t, time.Since(began), time.Second, "nobody waits for himself")
					require.Equal(t, "x", get(h).Body.String())
					calls := o.calls.Load()
					require.Contains(t, get(h).Header().Get("Cache-Status"), "; hit")
					require.Equal(t, calls, o.calls.Load())
					time.Sleep(11 * time.Second)
					o.set(answer(200, "y", "Cache-Control", "max-age=10"))
					require.Equal(t, "y", get(h).Body.String(), "no layer outlives the lifetime")
				})
			})
		}
	}
}
