// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/stores/memory"
)

// budgeted is a policy with a budget of fetches per second.
func budgeted(perSecond float64) holdover.Policy {
	return holdover.Policy{Origin: holdover.Origin{FetchRate: perSecond}}
}

// slowStore is a store of pages that takes its time when told so.
func slowStore(t *testing.T) *holdovertest.Store {
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	return holdovertest.NewStore(m, 1)
}

// Requests that can't wait in line don't take the budget from those in it, however often they come.
func TestNoStoreDoesNotStarveTheLine(t *testing.T) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const pages, busy = 100, 1000
				s := slowStore(t)
				o := newOrigin(answer(200, "old", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{Store: s, Policy: budgeted(10)}).Handler(o)
				for i := range pages {
					ask(h, "GET", pageURL(i))
				}
				ask(h, "GET", pageURL(busy))
				time.Sleep(2 * time.Second)
				s.Behave(holdovertest.StoreFaults{Delay: delay})
				o.set(answer(200, "new", "Cache-Control", "max-age=600"))
				flood := func(d time.Duration) {
					for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(2 * time.Millisecond) {
						go ask(h, "GET", pageURL(busy), "Cache-Control", "no-store")
					}
				}
				flood(time.Second)
				together(pages, func(i int) { ask(h, "GET", pageURL(i)) })
				flood(13 * time.Second) // ten are enough
				s.Behave(holdovertest.StoreFaults{})
				fresh := 0
				for i := range pages {
					if ask(h, "GET", pageURL(i), "Cache-Control", "only-if-cached").Body.String() == "new" {
						fresh++
					}
				}
				time.Sleep(time.Minute)
				require.GreaterOrEqual(t, fresh, pages-5)
			})
		})
	}
}

// The length of an URL counts in what the line may take.
func TestURLsCountInTheLine(t *testing.T) {
	for length, some := range map[int]bool{2 << 10: true, 30 << 10: false} {
		synctest.Test(t, func(t *testing.T) {
			const inFlight = 1 << 20
			url := func(i int) string { return pageURL(i) + strings.Repeat("x", length) }
			c := newCache(t, holdover.Config{MaxInFlight: inFlight, Policy: budgeted(0.001)})
			h := c.Handler(answer(200, "old", "Cache-Control", windowed))
			for range 2 {
				for i := range 200 {
					ask(h, "GET", url(i))
				}
				time.Sleep(2 * time.Second)
			}
			require.LessOrEqual(t, c.Stats().Queued*length, inFlight/8)
			require.Equal(t, some, c.Stats().Queued > 0)
			time.Sleep(10 * time.Minute)
			require.Zero(t, c.Stats().Queued)
		})
	}
}

// A store that takes a while for each lookup doesn't slow down the line: the whole budget is used.
func TestLineWithASlowStore(t *testing.T) {
	for _, delay := range []time.Duration{10 * time.Millisecond, 40 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := slowStore(t)
				o := newOrigin(answer(200, "old", "Cache-Control", windowed))
				s := holdovertest.NewOrigin(o)
				h := newCache(t, holdover.Config{Store: st, Policy: budgeted(100)}).Handler(s)
				for i := range 1000 {
					ask(h, "GET", pageURL(i))
				}
				time.Sleep(2 * time.Second)
				st.Behave(holdovertest.StoreFaults{Delay: delay})
				o.set(answer(200, "new", "Cache-Control", "max-age=600"))
				from := time.Now()
				for i := range 6000 {
					go ask(h, "GET", pageURL(i%1000))
					time.Sleep(2 * time.Millisecond)
				}
				arrivals := s.Requests().Between(from, time.Now())
				time.Sleep(2 * time.Minute)
				require.GreaterOrEqual(t, len(arrivals.ByURL()), 950, "in twelve seconds")
				require.LessOrEqual(t, arrivals.MostWithin(time.Second), 100)
			})
		})
	}
}

// What waits in line leaves room for what doesn't: another mount's page is still shared and stored.
func TestLineLeavesRoom(t *testing.T) {
	for _, length := range []int{60 << 10, 900 << 10} {
		t.Run(fmt.Sprint(length>>10, " KiB"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCache(t, holdover.Config{MaxInFlight: 16 << 20, Policy: budgeted(0.01)})
				h := c.Handler(answer(200, "old", "Cache-Control", windowed))
				long := strings.Repeat("x", length)
				for range 2 {
					for i := range 300 {
						ask(h, "GET", pageURL(i), "X-Long", long)
					}
					time.Sleep(2 * time.Second)
				}
				v, err := c.With(holdover.Policy{})
				require.NoError(t, err)
				o := newOrigin(slowly(100*time.Millisecond, answer(200, strings.Repeat("y", 2<<20), "Cache-Control", "max-age=600")))
				other := v.Handler(o)
				for range 2 {
					together(20, func(int) { ask(other, "GET", "http://other.example/") })
				}
				require.EqualValues(t, 1, o.calls.Load())
			})
		})
	}
}
