// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// An origin that takes longer than its pages live, as one does that recovers under load, is
// asked once for all who wait, not once by each.
func TestOriginSlowerThanALifetime(t *testing.T) {
	for _, control := range []string{"max-age=1", windowed, "max-age=1, stale-while-revalidate=60"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := holdovertest.NewOrigin(slowly(1500*time.Millisecond, answer(200, "hello", "Cache-Control", control)))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				for range 5 {
					time.Sleep(2 * time.Second)
					together(50, func(int) { require.Equal(t, "hello", get(h).Body.String()) })
				}
				time.Sleep(5 * time.Second)
				require.LessOrEqual(t, o.Requests().MostAtOnce(), 1)
				require.LessOrEqual(t, len(o.Requests()), 6)
			})
		})
	}
}

// A budget is asked with the time of the fetch, not of the request that waited before it.
func TestBudgetAfterALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "hello", "Cache-Control", "max-age=5, stale-if-error=600"))
		s := holdovertest.NewOrigin(o)
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1, SoftTimeout: 10 * time.Second}}}).Handler(s)
		for i := range 30 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(7 * time.Second)
		o.set(slowly(7*time.Second, answer(200, "mine", "Cache-Control", "private")))
		from := time.Now()
		for range 10 {
			go ask(h, "GET", pageURL(0))
			time.Sleep(10 * time.Millisecond)
		}
		o.set(answer(200, "hello", "Cache-Control", "max-age=5, stale-if-error=600"))
		for i := range 20 {
			go ask(h, "GET", pageURL(1+i))
			time.Sleep(450 * time.Millisecond)
		}
		time.Sleep(30 * time.Second)
		require.LessOrEqual(t, s.Requests().Between(from, time.Now()).MostWithin(time.Second), 1)
	})
}

// How old a copy is said to be is how old it is when it is given.
func TestAgeAfterAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=60"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{SoftTimeout: 10 * time.Second}}}).Handler(o)
		get(h)
		o.set(slowly(time.Minute, answer(200, "new")))
		time.Sleep(5 * time.Second)
		w := get(h)
		require.Equal(t, "6", w.Header().Get("Age"), "the attempt was given up after a second")
		require.Contains(t, w.Header().Get("Cache-Status"), "ttl=-5")
		time.Sleep(54 * time.Second) // the window ends while a second attempt is waited for
		require.Equal(t, 504, get(h).Code)
		time.Sleep(time.Minute)
	})
}
