// SPDX-License-Identifier: MIT

package holdover_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// lifetimes asks for a page every second, and returns how long each response was used.
func lifetimes(o *origin, ask func(), n int) (all []time.Duration) {
	ask()
	for began, calls := time.Now(), o.calls.Load(); len(all) < n; ask() {
		if now := o.calls.Load(); now != calls {
			all, began, calls = append(all, time.Since(began)), time.Now(), now
		}
		time.Sleep(time.Second)
	}
	return all
}

func growing(rule holdover.StatusRule) holdover.Policy {
	return holdover.Policy{Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{404: rule}}}
}

func TestGrowthOfStatusTTL(t *testing.T) {
	for name, tt := range map[string]struct {
		rule holdover.StatusRule
		want []time.Duration
	}{
		"none":     {holdover.StatusRule{TTL: 5 * time.Second}, []time.Duration{5, 5, 5, 5}},
		"one":      {holdover.StatusRule{TTL: 5 * time.Second, Growth: 1}, []time.Duration{5, 5, 5, 5}},
		"doubled":  {holdover.StatusRule{TTL: 5 * time.Second, Growth: 2}, []time.Duration{5, 10, 20, 40}},
		"capped":   {holdover.StatusRule{TTL: 5 * time.Second, Growth: 3, Cap: 20 * time.Second}, []time.Duration{5, 15, 20, 20}},
		"unbroken": {holdover.StatusRule{TTL: 30 * time.Minute, Growth: 100}, []time.Duration{1800, 3600, 3600}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := holdover.New(holdover.Config{Policy: growing(tt.rule)})
				require.NoError(t, err)
				o := newOrigin(answer(404, "gone"))
				h := c.Handler(o)
				for i, got := range lifetimes(o, func() { get(h) }, len(tt.want)) {
					require.InDelta(t, float64(tt.want[i]), got.Seconds(), 1.1, "lifetime %d", i)
				}
				require.NoError(t, c.Close())
			})
		})
	}
}

// Another status in between begins the row anew, and one key's row is no other's.
func TestGrowthBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Policy: growing(holdover.StatusRule{TTL: 5 * time.Second, Growth: 4})})
		require.NoError(t, err)
		o := newOrigin(answer(404, "gone"))
		h := c.Handler(o)
		lifetimes(o, func() { get(h) }, 2)
		time.Sleep(time.Hour)
		o.set(answer(200, "here", "Cache-Control", "max-age=1"))
		get(h)
		time.Sleep(time.Minute)
		o.set(answer(404, "gone"))
		require.InDelta(t, 5, lifetimes(o, func() { get(h) }, 1)[0].Seconds(), 1.1)
		require.InDelta(t, 5, lifetimes(o, func() { ask(h, "GET", "http://example.com/other") }, 1)[0].Seconds(), 1.1)
		require.NoError(t, c.Close())
	})
}

func TestJitterOfLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Policy: holdover.Policy{Freshness: holdover.Freshness{Jitter: 0.5}}})
		require.NoError(t, err)
		o := newOrigin(answer(200, "page", "Cache-Control", "max-age=100"))
		h := c.Handler(o)
		shortest, longest := time.Hour, time.Duration(0)
		for _, d := range lifetimes(o, func() { get(h) }, 60) {
			shortest, longest = min(shortest, d), max(longest, d)
		}
		require.GreaterOrEqual(t, shortest, 50*time.Second)
		require.Less(t, shortest, 65*time.Second)
		require.Greater(t, longest, 85*time.Second)
		require.LessOrEqual(t, longest, 101*time.Second)
		require.NoError(t, c.Close())
	})
}

func TestGrowthAndJitterThatCantBe(t *testing.T) {
	for field, p := range map[string]holdover.Policy{
		"Policy.Freshness.StatusTTL[404]": growing(holdover.StatusRule{TTL: time.Second, Growth: 0.5}),
		"Policy.Freshness.Jitter":         {Freshness: holdover.Freshness{Jitter: 1}},
	} {
		_, err := holdover.New(holdover.Config{Policy: p})
		var wrong *holdover.ConfigError
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, field, wrong.Field)
	}
	for _, p := range []holdover.Policy{
		growing(holdover.StatusRule{TTL: time.Second, Growth: math.NaN()}),
		growing(holdover.StatusRule{TTL: time.Second, Growth: math.Inf(1)}),
		growing(holdover.StatusRule{TTL: time.Minute, Growth: 2, Cap: time.Second}),
		growing(holdover.StatusRule{TTL: time.Minute, Growth: 2, Cap: 1000 * time.Hour}),
		{Freshness: holdover.Freshness{Jitter: math.NaN()}},
		{Freshness: holdover.Freshness{Jitter: -0.1}},
	} {
		_, err := holdover.New(holdover.Config{Policy: p})
		require.Error(t, err)
	}
}
