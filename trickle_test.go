// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// An origin that hangs is only probed, by HEAD as by GET.
func TestTrickleOfHeads(t *testing.T) {
	for _, method := range []string{"GET", "HEAD"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const keys = 10
				s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{}).Handler(s)
				for i := range keys {
					ask(h, "GET", pageURL(i))
				}
				time.Sleep(3 * time.Second)
				s.Behave(holdovertest.Hang())
				from := time.Now()
				for i := range 2200 {
					go func() { require.Equal(t, 200, ask(h, method, pageURL(i%keys)).Code) }()
					time.Sleep(10 * time.Millisecond)
				}
				probes := s.Requests().Between(from.Add(2*time.Second), time.Now())
				require.LessOrEqual(t, len(probes), 20*keys/5+2)
				time.Sleep(time.Minute)
			})
		})
	}
}

// Two mounts that share a page obey Retry-After both, also after an outage that one of them alone
// has seen.
func TestRetryAfterOfTwoMounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", windowed))
		c := newCache(t, holdover.Config{})
		one, other := c.Handler(s), c.Handler(s)
		get(one)
		time.Sleep(2 * time.Second)
		s.Behave(holdovertest.Status(503))
		for range 30 {
			get(one)
			time.Sleep(time.Second)
		}
		s.Behave(nil)
		time.Sleep(10 * time.Second)
		require.False(t, staleOf(get(one)))
		time.Sleep(2 * time.Second)
		s.Behave(holdovertest.Status(503, "Retry-After", "60"))
		from := time.Now()
		for range 50 {
			require.Equal(t, []int{200, 200}, []int{get(one).Code, get(other).Code})
			time.Sleep(time.Second)
		}
		require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 3)
	})
}

// withDeafPages is an origin whose pages below /deaf take an hour, whoever waits for them.
func withDeafPages(control string) *origin {
	return newOrigin(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/deaf") {
			time.Sleep(time.Hour)
		}
		answer(200, "page", "Cache-Control", control)(w, r)
	})
}

// Handlers that outlive their fetches make no page stale that isn't theirs, in however many ways one
// more fetch is refused: a page without a window is fetched, one within its window is
// answered at once.
func TestAbandonedHandlersElsewhere(t *testing.T) {
	for name, tt := range map[string]struct {
		control string
		deaf    int // handlers of other pages that hang
		stale   int // answers of a hundred
	}{
		"one":                      {"max-age=1", 1, 0},
		"one, window":              {windowed, 1, 0},
		"the lone one too":         {"max-age=1", 2, 0},
		"the lone one too, window": {windowed, 2, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{MaxAbandoned: 1, CloseTimeout: time.Second, Policy: holdover.Policy{
					Origin: holdover.Origin{HardTimeout: time.Second},
				}}).Handler(withDeafPages(tt.control))
				get(h)
				for i := range tt.deaf {
					require.Equal(t, 504, ask(h, "GET", fmt.Sprintf("http://example.com/deaf/%d", i)).Code)
				}
				time.Sleep(2 * time.Second)
				stale, longest := 0, time.Duration(0)
				for range 100 {
					began := time.Now()
					if staleOf(get(h)) {
						stale++
					}
					longest = max(longest, time.Since(began))
					time.Sleep(2 * time.Second)
				}
				time.Sleep(time.Hour)
				require.Equal(t, tt.stale, stale)
				require.Zero(t, longest)
			})
		})
	}
}
