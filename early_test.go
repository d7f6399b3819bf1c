// SPDX-License-Identifier: MIT

package holdover_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// early asks for a page that the origin needs half a second for ten times a second, and returns
// how many requests waited for it, and how often the origin was asked.
func early(t *testing.T, beta float64, minutes int) (waited int, calls int64) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{EarlyRevalidation: beta}}})
		require.NoError(t, err)
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(500 * time.Millisecond)
			answer(200, "page", "Cache-Control", "max-age=60")(w, r)
		})
		h := c.Handler(o)
		get(h)
		for range minutes * 600 {
			began := time.Now()
			require.Equal(t, "page", get(h).Body.String())
			if time.Since(began) > 0 {
				waited++
			}
			time.Sleep(100 * time.Millisecond)
		}
		calls = o.calls.Load()
		require.Zero(t, c.Stats().Stale)
		require.NoError(t, c.Close())
	})
	return waited, calls
}

func TestEarlyRevalidation(t *testing.T) {
	waited, calls := early(t, 0, 30)
	require.InDelta(t, 30, waited, 2, "without it somebody waits each minute")
	require.InDelta(t, 30, calls, 2)

	waited, calls = early(t, 1, 30)
	require.LessOrEqual(t, waited, 14, "with it hardly anybody does: 2 or 3")
	require.Less(t, calls, int64(42), "and the origin is asked little more often")
}

// A page that costs nothing is not asked for early.
func TestEarlyRevalidationByCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{EarlyRevalidation: 1}}})
		require.NoError(t, err)
		o := newOrigin(answer(200, "page", "Cache-Control", "max-age=60"))
		h := c.Handler(o)
		for range 590 {
			get(h)
			time.Sleep(100 * time.Millisecond)
		}
		require.EqualValues(t, 1, o.calls.Load())
		require.NoError(t, c.Close())
	})
}

// Among processes that lease keys, one revalidates early.
func TestEarlyRevalidationInTheFleet(t *testing.T) {
	withCrew(t, 2, func(c *crew) {
		c.slow(500*time.Millisecond, answer(200, "page", "Cache-Control", "max-age=60"))
		p := c.caches[0].Policy()
		p.Origin.EarlyRevalidation = 3
		v, err := c.caches[0].With(p)
		require.NoError(c, err)
		h := v.Handler(c.origin)
		get(h)
		for range 3000 {
			get(h)
			time.Sleep(100 * time.Millisecond)
		}
		require.InDelta(c, 6, float64(c.origin.calls.Load()), 1.1)
		require.Zero(c, c.caches[0].Stats().FetchFailures)
	})
}

func TestEarlyRevalidationThatCantBe(t *testing.T) {
	for _, beta := range []float64{-1, 101, math.NaN()} {
		_, err := holdover.New(holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{EarlyRevalidation: beta}}})
		require.ErrorContains(t, err, "Origin.EarlyRevalidation")
	}
}
