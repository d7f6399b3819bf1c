// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// noting is an origin of many pages that notes when each was asked for.
type noting struct {
	*origin
	mu       sync.Mutex
	arrivals []arrival
}

type arrival struct {
	path string
	at   time.Time
}

func newNoting(f http.HandlerFunc) *noting {
	s := &noting{origin: newOrigin(f)}
	return s
}

func (s *noting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.arrivals = append(s.arrivals, arrival{r.URL.Path, time.Now()})
	s.mu.Unlock()
	s.origin.ServeHTTP(w, r)
}

// since returns what arrived from an instant on.
func (s *noting) since(from time.Time) (found []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.arrivals {
		if !a.at.Before(from) {
			found = append(found, a)
		}
	}
	return found
}

func (s *noting) pathsSince(from time.Time) map[string]int {
	found := map[string]int{}
	for _, a := range s.since(from) {
		found[a.path]++
	}
	return found
}

func pageURL(i int) string { return fmt.Sprintf("http://example.com/%d", i) }

const windowed = "max-age=1, stale-if-error=600"

// An origin that comes back to a crowd is offered no more than its budget, every key is
// answered meanwhile, and no time of the budget goes unused: 1,000 keys, 20 fetches
// a second, 50 seconds.
func TestRecoveryKeepsToTheBudget(t *testing.T) {
	const keys, perSecond, budget = 1000, 500, 20
	shortest := time.Second * keys / budget
	for name, next := range map[string]func(i int) int{
		"one after the other": func(i int) int { return i % keys },
		"at random":           func(int) int { return rand.IntN(keys) },
		"some far more often": func(int) int { return int(float64(keys) * rand.Float64() * rand.Float64() * rand.Float64()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newNoting(answer(200, "old", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: budget}}}).Handler(s)
				for i := range keys {
					ask(h, "GET", pageURL(i))
				}
				crowd := func(d time.Duration) (asked map[string]bool) {
					asked = map[string]bool{}
					for i := range int(d.Seconds() * perSecond) {
						n := next(i)
						asked[fmt.Sprintf("/%d", n)] = true
						go func() {
							w := ask(h, "GET", pageURL(n))
							require.Equal(t, 200, w.Code)
						}()
						time.Sleep(time.Second / perSecond)
					}
					return asked
				}
				s.set(answer(503, "away"))
				time.Sleep(2 * time.Second)
				crowd(10 * time.Second)
				s.set(slowly(5*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=600")))
				back := time.Now()
				asked := crowd(shortest)
				time.Sleep(shortest / 5)
				fetched := s.pathsSince(back)
				require.Len(t, fetched, len(asked), "all that was asked for is fresh again")
				for path, n := range fetched {
					require.Equal(t, 1, n, path)
				}
				requireRate(t, s.since(back), budget)
			})
		})
	}
}

// requireRate checks that no second sees more arrivals.
func requireRate(t *testing.T, arrivals []arrival, perSecond int) {
	t.Helper()
	for i := perSecond; i < len(arrivals); i++ {
		require.GreaterOrEqual(t, arrivals[i].at.Sub(arrivals[i-perSecond].at), time.Second, "arrival %d", i)
	}
}

// With a healthy origin too, a budget bounds what is asked for together.
func TestBudgetBoundsBothSortsOfFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNoting(func(w http.ResponseWriter, r *http.Request) {
			control := windowed
			if len(r.URL.Path)%2 == 0 {
				control = "max-age=1, stale-while-revalidate=600"
			}
			answer(200, "hello", "Cache-Control", control)(w, r)
		})
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 10}}}).Handler(s)
		for i := range 200 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		from := time.Now()
		for range 100 {
			for i := range 200 {
				require.Equal(t, 200, ask(h, "GET", pageURL(i)).Code)
			}
			time.Sleep(100 * time.Millisecond)
		}
		arrivals := s.since(from)
		requireRate(t, arrivals, 10)
		require.GreaterOrEqual(t, len(arrivals), 99, "all of it is used")
	})
}

// Who finds a fetch under way takes nothing from the budget: one busy page that takes
// long doesn't keep the others stale.
func TestJoiningCostsNoBudget(t *testing.T) {
	for name, control := range map[string]string{
		"behind": "max-age=1, stale-while-revalidate=600", "in front": windowed,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newNoting(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/0" {
						time.Sleep(400 * time.Millisecond)
					}
					answer(200, "hello", "Cache-Control", control)(w, r)
				})
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 10}}}).Handler(s)
				ask(h, "GET", pageURL(0))
				ask(h, "GET", pageURL(1))
				time.Sleep(2 * time.Second)
				from := time.Now()
				for range 100 {
					go ask(h, "GET", pageURL(0))
					time.Sleep(2 * time.Millisecond)
				}
				ask(h, "GET", pageURL(1))
				synctest.Wait()
				require.Equal(t, map[string]int{"/0": 1, "/1": 1}, s.pathsSince(from))
				time.Sleep(time.Second)
			})
		})
	}
}

// A key waits for its turn also if nobody asks for it again.
func TestTurnComesWithoutAnotherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}}).Handler(o)
		for i := range 3 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		o.set(answer(200, "new", "Cache-Control", "max-age=600"))
		require.Equal(t, "new", ask(h, "GET", pageURL(0)).Body.String())
		for _, i := range []int{1, 2, 1} {
			w := ask(h, "GET", pageURL(i))
			require.Equal(t, "old", w.Body.String())
			require.Contains(t, w.Header().Get("Cache-Status"), "hit; ttl=-1; detail=budget")
		}
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, "new", ask(h, "GET", pageURL(1)).Body.String())
		require.Equal(t, "old", ask(h, "GET", pageURL(2)).Body.String())
		time.Sleep(time.Second)
		require.Equal(t, "new", ask(h, "GET", pageURL(2)).Body.String())
		require.EqualValues(t, 6, o.calls.Load())
	})
}

// Close doesn't wait for turns.
func TestCloseEndsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 0.01}}})
		h := c.Handler(o)
		ask(h, "GET", pageURL(0))
		ask(h, "GET", pageURL(1))
		time.Sleep(2 * time.Second)
		ask(h, "GET", pageURL(0))
		ask(h, "GET", pageURL(1))
		began := time.Now()
		require.NoError(t, c.Close())
		require.Zero(t, time.Since(began))
		require.EqualValues(t, 3, o.calls.Load())
	})
}

// While the scope fails, probes are its trickle's affair: nothing waits in line then.
func TestFailingEndsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNoting(answer(200, "old", "Cache-Control", windowed))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 5}}}).Handler(s)
		for i := range 100 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		s.set(answer(503, "away"))
		from := time.Now()
		for i := range 100 {
			require.Equal(t, "old", ask(h, "GET", pageURL(i)).Body.String())
		}
		time.Sleep(time.Minute)
		require.LessOrEqual(t, len(s.since(from)), 4)
	})
}

// Copies outside of their windows don't wait for a turn: the origin is well.
func TestBudgetIsForCopiesInTheirWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}}).Handler(o)
		for i := range 5 {
			ask(h, "GET", pageURL(i))
		}
		o.set(unreachable())
		time.Sleep(2 * time.Second)
		require.Contains(t, ask(h, "GET", pageURL(0)).Header().Get("Cache-Status"), "disconnected")
		o.set(answer(200, "new", "Cache-Control", "max-age=600"))
		time.Sleep(3 * time.Second)
		for i := range 5 {
			require.Equal(t, "new", ask(h, "GET", pageURL(i)).Body.String(), i)
		}
	})
}
