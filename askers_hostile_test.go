// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// An attempt that hangs says nothing of whose the page is: those who send the same cookie or token,
// which may be everybody, share its fetches again once the origin is back.
func TestOneSlowAttemptEndsNoSharing(t *testing.T) {
	for _, credential := range credentials {
		t.Run(credential, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := holdovertest.NewOrigin(slowly(50*time.Millisecond, answer(200, "page", "Cache-Control", "public, max-age=1, stale-if-error=600")))
				h := newCache(t, holdover.Config{}).Handler(s)
				get(h, credential, "consent=yes")
				time.Sleep(3 * time.Second)
				s.Behave(holdovertest.Hang())
				get(h, credential, "consent=yes")
				time.Sleep(2 * time.Second)
				s.Behave(nil)
				time.Sleep(10 * time.Second)
				get(h, credential, "consent=yes")
				time.Sleep(3 * time.Second)
				from := time.Now()
				for range 10 {
					together(50, func(int) { get(h, credential, "consent=yes") })
					time.Sleep(3 * time.Second)
				}
				require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 20)
			})
		})
	}
}

// A page that the origin has deleted isn't answered from its copy for long while the origin is well
// and says so to each, whether what it says may be shared or not.
func TestDeletedPageIsNotServedBehind(t *testing.T) {
	for _, tt := range [][]string{
		{"Cookie", "Cache-Control", "no-store"}, {"Authorization", "Cache-Control", "no-cache"}, {"Authorization"},
	} {
		t.Run(strings.Join(tt, " "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "page", "Cache-Control", "public, max-age=1, stale-while-revalidate=86400"))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h, tt[0], "id")
				time.Sleep(3 * time.Second)
				o.set(answer(404, "gone", tt[1:]...))
				old := 0
				for i := range 100 {
					if get(h, tt[0], fmt.Sprintf("id%d", i)).Code == 200 {
						old++
					}
					time.Sleep(5 * time.Second)
				}
				require.LessOrEqual(t, old, 5)
			})
		})
	}
}

// slowForOne is an origin whose page takes some time for those with a cookie that begins with "own",
// and is theirs alone; for all others it takes another time.
func slowForOne(own, others time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Cookie"), "own") {
			slowly(own, answer(200, "own", "Cache-Control", "private"))(w, r)
			return
		}
		slowly(others, answer(200, "page", "Cache-Control", "public, max-age=1, stale-if-error=600"))(w, r)
	}
}

// How long a page of one's own takes isn't how long the others' takes: theirs stays fresh.
func TestOwnSlowPageLeavesTheTimeOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(slowForOne(12*time.Second, slowPage))
		get(h)
		stale := 0
		for i := range 200 {
			go get(h, "Cookie", fmt.Sprintf("own%d", i), "Cache-Control", "no-cache")
			time.Sleep(2 * time.Second)
			if staleOf(get(h)) && i > 20 {
				stale++
			}
		}
		time.Sleep(time.Minute)
		require.LessOrEqual(t, stale, 9)
	})
}

// Nor do they wait any longer for what stands in while the origin hangs.
func TestOwnSlowPageDelaysNoStaleAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(slowForOne(2400*time.Millisecond, 0))
		h := newCache(t, holdover.Config{}).Handler(s)
		get(h)
		for i := range 20 {
			get(h, "Cookie", fmt.Sprintf("own%d", i), "Cache-Control", "no-cache")
			time.Sleep(time.Second)
			get(h)
		}
		get(h, "Cookie", "own", "Cache-Control", "no-cache")
		time.Sleep(2 * time.Second)
		s.Behave(holdovertest.Hang())
		began := time.Now()
		require.Equal(t, "page", get(h).Body.String())
		took := time.Since(began)
		time.Sleep(time.Minute)
		require.LessOrEqual(t, took, 600*time.Millisecond)
	})
}

// Who waited for others that the origin has only errors for is asked for himself.
func TestErrorsOfOthersAreNotMine(t *testing.T) {
	for _, credential := range credentials {
		t.Run(credential, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const pages, askers, good = 20, 41, 20
				h := newCache(t, holdover.Config{}).Handler(slowly(100*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get(credential) != "good" {
						answer(500, "broken session")(w, r)
						return
					}
					answer(200, "page", "Cache-Control", "public, max-age=60")(w, r)
				}))
				var failed atomic.Int64
				for page := range pages {
					together(askers, func(i int) {
						time.Sleep(time.Duration(i) * time.Millisecond)
						if i != good {
							ask(h, "GET", pageURL(page), credential, fmt.Sprintf("evil%d", i))
						} else if ask(h, "GET", pageURL(page), credential, "good").Code != 200 {
							failed.Add(1)
						}
					})
					time.Sleep(10 * time.Second)
				}
				require.Zero(t, failed.Load())
			})
		})
	}
}

// Those who ask with the same cookie share a failure too, whatever it says of storing: it is theirs.
func TestSameCookieSharesAFailure(t *testing.T) {
	for name, fields := range map[string][]string{"plain": nil, "no-store": {"Cache-Control", "no-store"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const hard = 5 * time.Second
				s := holdovertest.NewOrigin(slowly(4*time.Second, answer(503, "sorry", fields...)))
				h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: hard}}}).Handler(s)
				began := time.Now()
				together(20, func(int) { require.Equal(t, 503, get(h, "Cookie", "id=1").Code) })
				require.LessOrEqual(t, time.Since(began), hard)
				require.LessOrEqual(t, len(s.Requests()), 3)
			})
		})
	}
}

// A denial holds for whose it is, whatever cookie comes with the next request: where cookies don't
// matter it holds for the page, and where a token is the key for who has that token.
func TestDenialWithIrrelevantCookies(t *testing.T) {
	for name, tt := range map[string]struct {
		policy holdover.Policy
		fields []string
	}{
		"irrelevant cookies": {holdover.Policy{Safety: holdover.Safety{IrrelevantCookies: true}}, nil},
		"keyed by a token":   {holdover.Policy{Key: holdover.Key{Fields: []string{"Authorization"}}}, []string{"Authorization", "bad"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.policy.Outcome = holdover.AllowAll
				o := newOrigin(answer(403, "no", "Cache-Control", "no-store"))
				h := newCache(t, holdover.Config{Policy: tt.policy}).Handler(o)
				visit := func(i int) int { return get(h, append(tt.fields, "Cookie", fmt.Sprintf("_ga=%d", i))...).Code }
				require.Equal(t, 403, visit(1))
				o.set(answer(503, "sorry"))
				require.Equal(t, 503, visit(2))
			})
		})
	}
}

// Who comes when the header of a slow answer is there already gets its age, and so is asked for
// alone if he refuses that age. RFC 9111 §5.2.1.1.
func TestJoinerOfABodyRefusesItsAge(t *testing.T) {
	for control, requests := range map[string]int{"max-age=3": 2, "max-age=30": 1} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := holdovertest.NewOrigin(slowly(10*time.Second, func(w http.ResponseWriter, r *http.Request) {
					setFields(w.Header(), []string{"Cache-Control", "max-age=60"})
					w.WriteHeader(200)
					w.(http.Flusher).Flush()
					time.Sleep(5 * time.Second)
					_, _ = io.WriteString(w, "page")
				}))
				h := newCache(t, holdover.Config{}).Handler(s)
				go get(h)
				time.Sleep(12 * time.Second)
				require.Equal(t, "page", get(h, "Cache-Control", control).Body.String())
				synctest.Wait()
				require.Len(t, s.Requests(), requests)
			})
		})
	}
}

// An origin that hangs and ignores that it was given up doesn't take the stored pages with it, also
// while another's handlers, which were given up, leave no room for more of them.
func TestDeafOriginWhileCrowded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pages, rounds = 20, 10
		deaf := func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }
		c := newCache(t, holdover.Config{MaxAbandoned: 1, Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: 5 * time.Second}}})
		o := newOrigin(answer(200, "page", "Cache-Control", "max-age=1"))
		h := c.Handler(o)
		for i := range pages {
			ask(h, "GET", pageURL(i))
		}
		go ask(c.Handler(http.HandlerFunc(deaf)), "GET", "http://other.example.com/")
		time.Sleep(10 * time.Second)
		o.set(deaf)
		var answered atomic.Int64
		for range rounds {
			for i := range pages {
				go func() {
					if ask(h, "GET", pageURL(i)).Code == 200 {
						answered.Add(1)
					}
				}()
			}
			time.Sleep(6 * time.Second)
		}
		time.Sleep(10 * time.Second)
		n := answered.Load()
		time.Sleep(2 * time.Hour)
		require.GreaterOrEqual(t, n, int64(160), "of 200")
	})
}
