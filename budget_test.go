// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

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
				o := newOrigin(answer(200, "old", "Cache-Control", windowed))
				s := holdovertest.NewOrigin(o)
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
				s.Behave(holdovertest.Status(503))
				time.Sleep(2 * time.Second)
				crowd(10 * time.Second)
				o.set(answer(200, "new", "Cache-Control", "max-age=600"))
				s.Behave(holdovertest.Delay(5 * time.Millisecond))
				back := time.Now()
				crowd(time.Second) // in which a probe finds out
				asked := crowd(shortest - time.Second)
				time.Sleep(shortest / 5)
				arrivals := s.Requests().Between(back, time.Now())
				fetched := arrivals.ByURL()
				for path := range asked { // all is fresh again
					require.True(t, len(fetched["example.com"+path]) > 0, path)
				}
				for url, list := range fetched {
					require.Len(t, list, 1, url)
				}
				require.LessOrEqual(t, arrivals.MostWithin(time.Second), budget)
			})
		})
	}
}

// With a healthy origin too, a budget bounds what is asked for together.
func TestBudgetBoundsBothSortsOfFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := windowed
			if len(r.URL.Path)%2 == 0 {
				control = "max-age=1, stale-while-revalidate=600"
			}
			answer(200, "hello", "Cache-Control", control)(w, r)
		}))
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
		arrivals := s.Requests().Between(from, time.Now())
		require.LessOrEqual(t, arrivals.MostWithin(time.Second), 10)
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
				s := holdovertest.NewOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/0" {
						time.Sleep(400 * time.Millisecond)
					}
					answer(200, "hello", "Cache-Control", control)(w, r)
				}))
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
				time.Sleep(time.Second)
				arrivals := s.Requests().Between(from, time.Now())
				require.Len(t, arrivals.Of("/0"), 1)
				require.Len(t, arrivals.Of("/1"), 1)
			})
		})
	}
}

// A key waits for its turn also if nobody asks for it again.
func TestTurnComesWithoutAnotherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}})
		h := c.Handler(o)
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
		require.Equal(t, 2, c.Stats().Queued)
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, "new", ask(h, "GET", pageURL(1)).Body.String())
		require.Equal(t, 1, c.Stats().Queued)
		require.Equal(t, "old", ask(h, "GET", pageURL(2)).Body.String())
		time.Sleep(time.Second)
		require.Equal(t, "new", ask(h, "GET", pageURL(2)).Body.String())
		require.EqualValues(t, 6, o.calls.Load())
	})
}

// The same behind stale answers, and after the client who asked has left.
func TestTurnComesBehindStaleAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-while-revalidate=600"))
		c := newCache(t, holdover.Config{
			Store: holdovertest.NewStore(m, 1), Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}},
		})
		h := c.Handler(o)
		for i := range 4 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		o.set(answer(200, "new", "Cache-Control", "max-age=600"))
		for i := range 4 {
			ctx, leave := context.WithCancel(t.Context())
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request("GET", pageURL(i)).WithContext(ctx))
			require.Equal(t, "old", w.Body.String())
			leave()
		}
		require.Equal(t, 3, c.Stats().Queued)
		time.Sleep(5 * time.Second)
		require.EqualValues(t, 8, o.calls.Load())
		for i := range 4 {
			require.Equal(t, "new", ask(h, "GET", pageURL(i)).Body.String())
		}
	})
}

// What can't outlive its request doesn't wait in line, nor what tells nothing about what
// others get.
func TestWhatDoesNotWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}})
		h := c.Handler(o)
		for i := range 4 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		ask(h, "GET", pageURL(0)) // takes the token
		held(h, 1, pageURL(1))
		held(h, 2, pageURL(2))
		ask(h, "GET", pageURL(3), "Cache-Control", "no-store")
		require.Zero(t, c.Stats().Queued)
		require.EqualValues(t, 5, o.calls.Load())
		require.NoError(t, c.Close())
		require.Equal(t, 200, ask(h, "GET", pageURL(2)).Code)
		require.Zero(t, c.Stats().Queued)
	})
}

// A turn fetches as a background fetch does: without the credentials that had no part in what
// is stored.
func TestTurnsRepeatTheRequestThatAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []string
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Accept-Language")+" "+r.Header.Get("Cache-Control"))
			answer(200, "page", "Cache-Control", "public, max-age=1, stale-if-error=600", "Vary", "Accept-Language")(w, r)
		})
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}}}).Handler(o)
		get(h, "Accept-Language", "de")
		get(h, "Accept-Language", "en")
		ask(h, "GET", pageURL(0), "Accept-Language", "de")
		time.Sleep(2 * time.Second)
		ask(h, "GET", pageURL(0), "Accept-Language", "de")
		mu.Lock()
		seen = nil
		mu.Unlock()
		get(h, "Accept-Language", "de", "Authorization", "secret", "Cache-Control", "max-age=0")
		get(h, "Accept-Language", "en")
		time.Sleep(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"/page  de max-age=0", "/page  en "}, seen)
	})
}

// All scopes together hold so many, and one of them so many.
func TestTheLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{
			FetchRate: 0.001, Scope: func(r *http.Request) string { return r.URL.Query().Get("scope") },
		}}})
		h := c.Handler(o)
		for range 2 {
			for scope := range 6 {
				for i := range 1100 {
					ask(h, "GET", fmt.Sprintf("%s?scope=%d", pageURL(i), scope))
				}
			}
			time.Sleep(2 * time.Second)
		}
		require.Equal(t, 4096, c.Stats().Queued)
		time.Sleep(10 * time.Minute)
		require.Zero(t, c.Stats().Queued)
	})
}

// A negative rate bounds nothing, where by default those behind are bounded.
func TestNoBudget(t *testing.T) {
	for rate, most := range map[float64]int{-1: 500, 0: 110} {
		synctest.Test(t, func(t *testing.T) {
			s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", "max-age=1, stale-while-revalidate=600"))
			h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: rate}}}).Handler(s)
			for i := range 500 {
				ask(h, "GET", pageURL(i))
			}
			time.Sleep(2 * time.Second)
			from := time.Now()
			for i := range 500 {
				ask(h, "GET", pageURL(i))
			}
			time.Sleep(10 * time.Second)
			arrivals := s.Requests().Between(from, time.Now())
			require.Len(t, arrivals, 500)
			require.InDelta(t, most, arrivals.MostWithin(time.Second), 5)
		})
	}
}

// Clients can't fill the memory with requests that wait.
func TestTheLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{
			MaxInFlight: 16 << 20, Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 0.001}},
		})
		h := c.Handler(o)
		for i := range 2000 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		ask(h, "GET", pageURL(0)) // takes the token
		for i := range 100 {
			require.Equal(t, 200, ask(h, "GET", pageURL(1+i), "X-Long", strings.Repeat("x", 500<<10)).Code)
		}
		require.Zero(t, c.Stats().Queued, "each is too large")
		for i := range 100 {
			require.Equal(t, 200, ask(h, "GET", pageURL(1+i), "X-Long", strings.Repeat("x", 60<<10)).Code)
		}
		require.InDelta(t, 33, c.Stats().Queued, 1, "an eighth of the room is full")
		time.Sleep(6 * time.Minute) // they are forgotten
		require.LessOrEqual(t, c.Stats().Queued, 1)
		for range 2 {
			for i := range 2000 {
				require.Equal(t, 200, ask(h, "GET", pageURL(i)).Code)
			}
			require.Equal(t, 1024, c.Stats().Queued)
		}
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
		s := holdovertest.NewOrigin(answer(200, "old", "Cache-Control", windowed))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 5}}}).Handler(s)
		for i := range 100 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		s.Behave(holdovertest.Status(503))
		from := time.Now()
		for i := range 100 {
			require.Equal(t, "old", ask(h, "GET", pageURL(i)).Body.String())
		}
		time.Sleep(time.Minute)
		require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 4)
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

// stuck is a store that hangs whatever the context says.
type stuck struct {
	store.Store
	now  atomic.Bool
	free chan struct{}
}

func (s *stuck) Get(ctx context.Context, key string) (*store.Entry, error) {
	if s.now.Load() {
		<-s.free
	}
	return s.Store.Get(ctx, key)
}

// A store that can't be stopped doesn't keep Close waiting for ever.
func TestCloseWithAStuckStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		s := &stuck{Store: m, free: make(chan struct{})}
		c, err := holdover.New(holdover.Config{Store: s, Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 2}}})
		require.NoError(t, err)
		h := c.Handler(answer(200, "old", "Cache-Control", windowed))
		for range 2 {
			for i := range 3 {
				ask(h, "GET", pageURL(i))
			}
			time.Sleep(2 * time.Second)
		}
		for i := range 3 {
			ask(h, "GET", pageURL(i))
		}
		s.now.Store(true)
		time.Sleep(600 * time.Millisecond) // the first one in line is looked up
		began := time.Now()
		_ = c.Close()
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		close(s.free)
		time.Sleep(time.Minute)
	})
}

// Who waits in line comes before those who ask just when there is room again.
func TestTheLineComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", windowed))
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		slow := holdovertest.NewStore(m, 1) // so that others may come between a turn and its fetch
		h := newCache(t, holdover.Config{Store: slow, Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 10}}}).Handler(s)
		for i := range 70 {
			ask(h, "GET", pageURL(i))
		}
		time.Sleep(2 * time.Second)
		slow.Behave(holdovertest.StoreFaults{Delay: 30 * time.Millisecond})
		for i := range 10 { // busy pages have their turn, and again
			ask(h, "GET", pageURL(10+i))
		}
		from := time.Now()
		for i := range 10 {
			ask(h, "GET", pageURL(i)) // the rare ones
		}
		for range 400 {
			for i := range 60 {
				go ask(h, "GET", pageURL(10+i))
			}
			time.Sleep(10 * time.Millisecond)
		}
		asked := s.Requests().Between(from, from.Add(4*time.Second)).ByURL()
		for i := range 10 {
			require.Len(t, asked[fmt.Sprintf("example.com/%d", i)], 1)
		}
		time.Sleep(time.Minute)
	})
}

// panicky is a logger's handler that shouldn't be.
type panicky struct{ slog.Handler }

func (panicky) Enabled(context.Context, slog.Level) bool  { return true }
func (panicky) Handle(context.Context, slog.Record) error { panic("logger") }

// What panics behind the clients doesn't end the process.
func TestALoggerThatPanicsDoesNotEndTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		s := holdovertest.NewStore(m, 1)
		c := newCache(t, holdover.Config{
			Store: s, Logger: slog.New(panicky{slog.DiscardHandler}),
			Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 1}},
		})
		h := c.Handler(answer(200, "old", "Cache-Control", windowed))
		for range 2 {
			for i := range 3 {
				ask(h, "GET", pageURL(i))
			}
			time.Sleep(2 * time.Second)
		}
		for i := range 3 {
			ask(h, "GET", pageURL(i))
		}
		s.Behave(holdovertest.StoreFaults{Errors: 1, Ops: []string{holdovertest.OpGet, holdovertest.OpGetMany}})
		time.Sleep(5 * time.Second)
		require.NotZero(t, c.Stats().HookPanics)
		require.Zero(t, c.Stats().Queued)
	})
}
