// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// visitors are requests that come at once. It returns how long each took, in order, and how many
// were given something stale.
func visitors(n int, visit func(i int) bool) (took []time.Duration, stale int) {
	var mu sync.Mutex
	began := time.Now()
	together(n, func(i int) {
		old := visit(i)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(began))
		if old {
			stale++
		}
	})
	slices.Sort(took)
	return took, stale
}

// Once it is known that a page is for each one alone, crowds that come now and then don't wait for
// one another again.
func TestPrivateCrowdStaysApart(t *testing.T) {
	for name, fields := range map[string]func(i int) []string{
		"nobody":        func(int) []string { return nil },
		"cookie":        func(i int) []string { return []string{"Cookie", fmt.Sprintf("id=%d", i)} },
		"authorization": func(i int) []string { return []string{"Authorization", fmt.Sprintf("id=%d", i)} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					who := r.Header.Get("Cookie") + r.Header.Get("Authorization")
					slowly(300*time.Millisecond, answer(200, "for "+who, "Cache-Control", "private"))(w, r)
				}))
				for round := range 20 {
					took, _ := visitors(20, func(i int) bool {
						want := "for "
						if name != "nobody" {
							want += fmt.Sprintf("id=%d", i)
						}
						w := get(h, fields(i)...)
						require.Equal(t, want, w.Body.String())
						return staleOf(w)
					})
					if round == 0 {
						require.LessOrEqual(t, took[19], 700*time.Millisecond)
					} else {
						require.LessOrEqual(t, took[10], 350*time.Millisecond, "round %d", round)
					}
					time.Sleep(4 * time.Second)
				}
			})
		})
	}
}

// Those who reload a page at once share a fetch, and are given what it brings.
func TestReloadsShareAFetch(t *testing.T) {
	for _, takes := range []time.Duration{10 * time.Millisecond, slowPage} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(slowly(takes, answer(200, "page", "Cache-Control", windowed)))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				for round := range 10 {
					time.Sleep(5 * time.Second)
					took, stale := visitors(20, func(int) bool { return staleOf(get(h, "Cache-Control", "max-age=0")) })
					require.Zero(t, stale, "round %d", round)
					require.Equal(t, takes, took[19])
				}
				require.EqualValues(t, 11, o.calls.Load())
			})
		})
	}
}

// A page that was never stored and whose origin fails late is asked for once for all who wait with
// the same cookie, and a few times where each has one of his own. All have an
// answer within the hard timeout.
func TestColdCrowdWhileItFails(t *testing.T) {
	const hard = 5 * time.Second
	for name, tt := range map[string]struct {
		fields func(i int) []string
		most   int // requests of the origin
	}{
		"nobody":            {func(int) []string { return nil }, 1},
		"the same cookie":   {func(int) []string { return []string{"Cookie", "id=1"} }, 1},
		"different cookies": {func(i int) []string { return []string{"Cookie", fmt.Sprintf("id=%d", i)} }, 3},
	} {
		for fault, behaviour := range map[string]holdovertest.Fault{
			"503":  holdovertest.Chain(holdovertest.Delay(4*time.Second), holdovertest.Status(503)),
			"hang": holdovertest.Hang(),
		} {
			t.Run(name+", "+fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := holdovertest.NewOrigin(answer(200, "page", "Cache-Control", "max-age=60"))
					s.Behave(behaviour)
					h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: hard}}}).Handler(s)
					took, _ := visitors(20, func(i int) bool {
						require.GreaterOrEqual(t, get(h, tt.fields(i)...).Code, 500)
						return false
					})
					time.Sleep(time.Minute)
					require.LessOrEqual(t, len(s.Requests()), tt.most)
					require.LessOrEqual(t, took[19], hard)
				})
			})
		}
	}
}

// RFC 9111 §4.3.5: a HEAD that contradicts a stored page makes it stale, and no more: it may still
// stand in while the origin fails.
func TestHeadThatContradictsMakesStale(t *testing.T) {
	for _, contradiction := range [][]string{
		{"Etag", `"2"`}, {"Content-Length", "0"}, {"Last-Modified", "Tue, 01 Jan 2019 00:00:00 GMT"},
	} {
		t.Run(contradiction[0], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const control = "max-age=60, stale-if-error=600"
				page := answer(200, "old", "Cache-Control", control, "Etag", `"1"`)
				o := newOrigin(page)
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(answer(200, "", contradiction...))
				ask(h, "HEAD", page1, "Cache-Control", "no-cache")
				synctest.Wait()
				o.set(answer(503, "sorry"))
				w := get(h)
				require.Equal(t, "old", w.Body.String())
				require.Contains(t, statusOf(w.Header()), "fwd=stale")
				o.set(answer(200, "new", "Cache-Control", control))
				time.Sleep(5 * time.Second)
				require.Equal(t, "new", get(h).Body.String())
			})
		})
	}
}
