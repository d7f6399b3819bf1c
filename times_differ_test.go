// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

const slowPage = 700 * time.Millisecond // slower than the least soft timeout

// A slow page isn't shown stale because another variant of it is quick.
func TestVariantsOfDifferentTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") == "slow" {
				time.Sleep(slowPage)
			}
			answer(200, "page", "Cache-Control", windowed, "Vary", "Accept")(w, r)
		}))
		get(h, "Accept", "quick")
		get(h, "Accept", "slow")
		stale := 0
		for range 100 {
			time.Sleep(5 * time.Second)
			get(h, "Accept", "quick")
			if staleOf(get(h, "Accept", "slow")) {
				stale++
			}
		}
		require.LessOrEqual(t, stale, 5)
	})
}

// Nor because it is quickly said to be unchanged as long as it is, or because of quick health checks.
func TestQuickAnswersBesideASlowPage(t *testing.T) {
	for name, tt := range map[string]struct {
		method string // of a request before each
		every  int64  // how many revalidations find the same page
	}{
		"every second one new": {"", 2}, "every fifth one new": {"", 5}, "HEAD": {"HEAD", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tag := fmt.Sprintf(`"%d"`, n.Load()/tt.every)
					fields := []string{"Etag", tag, "Cache-Control", windowed}
					switch {
					case r.Method == "HEAD":
						answer(200, "", fields...)(w, r)
					case r.Header.Get("If-None-Match") == tag:
						answer(304, "", fields...)(w, r)
					default:
						slowly(slowPage, answer(200, "page", fields...))(w, r)
					}
				}))
				get(h)
				stale := 0
				for range 100 {
					time.Sleep(5 * time.Second)
					n.Add(1)
					if tt.method != "" {
						ask(h, tt.method, page1)
					}
					if staleOf(get(h)) {
						stale++
					}
				}
				require.LessOrEqual(t, stale, 5)
			})
		})
	}
}

// An origin whose times differ from one answer to the next is waited for.
func TestTimesThatDiffer(t *testing.T) {
	around := func(share float64) func(*rand.Rand) time.Duration {
		return func(r *rand.Rand) time.Duration {
			return time.Duration(float64(slowPage) * (1 - share + 2*share*r.Float64()))
		}
	}
	for name, took := range map[string]func(*rand.Rand) time.Duration{
		"30 % more or less": around(0.3),
		"50 % more or less": around(0.5),
		"one in four quick": func(r *rand.Rand) time.Duration {
			if r.IntN(4) == 0 {
				return 100 * time.Millisecond
			}
			return slowPage
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 2)) // the same in each run
				o := newOrigin(answer(200, "page", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				stale := 0
				for range 500 {
					time.Sleep(5 * time.Second)
					o.set(slowly(took(random), answer(200, "page", "Cache-Control", windowed)))
					if staleOf(get(h)) {
						stale++
					}
				}
				require.LessOrEqual(t, stale, 25)
			})
		})
	}
}

// A page that may not be stored any more and has become slow is shown, not the one that was
// stored before.
func TestSlowPageThatIsNoLongerStored(t *testing.T) {
	inPieces := func(before, between time.Duration) func(http.HandlerFunc) http.HandlerFunc {
		return func(header http.HandlerFunc) http.HandlerFunc {
			return slowly(before, func(w http.ResponseWriter, r *http.Request) {
				header(w, r)
				_ = http.NewResponseController(w).Flush()
				for range 5 {
					time.Sleep(between)
					if _, err := w.Write([]byte("new")); err != nil {
						return
					}
				}
			})
		}
	}
	for name, come := range map[string]func(header http.HandlerFunc) http.HandlerFunc{
		"at the end":         func(header http.HandlerFunc) http.HandlerFunc { return slowly(slowPage, header) },
		"the header late":    inPieces(slowPage, 20*time.Millisecond),
		"the header at once": inPieces(0, slowPage/5),
	} {
		for what, header := range map[string]http.HandlerFunc{
			"no-store":   answer(200, "", "Cache-Control", "no-store"),
			"private":    answer(200, "", "Cache-Control", "private"),
			"max-age=0":  answer(200, "", "Cache-Control", "max-age=0"),
			"Set-Cookie": answer(200, "", "Cache-Control", windowed, "Set-Cookie", "a=b"),
			"redirect":   answer(302, "", "Cache-Control", "no-store", "Location", "/login"),
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "old", "Cache-Control", windowed))
					h := newCache(t, holdover.Config{}).Handler(o)
					get(h)
					o.set(come(header))
					stale := 0
					for range 100 {
						time.Sleep(3 * time.Second)
						if get(h).Body.String() == "old" {
							stale++
						}
					}
					time.Sleep(time.Minute)
					require.LessOrEqual(t, stale, 6)
				})
			})
		}
	}
}
