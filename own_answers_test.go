// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// staleOf reports whether an answer was a stale one.
func staleOf(w *httptest.ResponseRecorder) bool {
	return strings.Contains(statusOf(w.Header()), "ttl=-")
}

// apart is an origin that answers by own to requests with one value of a credential, and to all
// others by forAll.
func apart(credential, value string, own, forAll http.HandlerFunc) *origin {
	return newOrigin(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(credential) == value {
			own(w, r)
			return
		}
		forAll(w, r)
	})
}

var credentials = []string{"Cookie", "Authorization"}

// What the origin says to one user's credentials alone, that the page is gone or another one,
// drops nothing that others share.
func TestWhatIsForOneDropsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		own    http.HandlerFunc
	}{
		"HEAD with an Etag": {"HEAD", answer(200, "", "Cache-Control", "private", "Etag", `"mine"`)},
		"HEAD 404":          {"HEAD", answer(404, "", "Cache-Control", "private")},
		"GET 404":           {"GET", answer(404, "none", "Cache-Control", "private")},
		"GET 410":           {"GET", answer(410, "none", "Cache-Control", "no-store")},
	} {
		for _, credential := range credentials {
			t.Run(name+", "+credential, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := apart(credential, "own", tt.own,
						answer(200, "page", "Cache-Control", "public, max-age=60, stale-if-error=600", "Etag", `"1"`))
					h := newCache(t, holdover.Config{}).Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					ask(h, tt.method, page1, credential, "own", "Cache-Control", "no-cache")
					synctest.Wait()
					o.set(answer(503, "sorry"))
					require.Equal(t, "page", get(h).Body.String())
					time.Sleep(2 * time.Minute)
					require.Equal(t, "page", get(h).Body.String())
				})
			})
		}
	}
}

// Credentials that one asker invents don't make the origin answer once for each of the others,
// neither where he refuses what is stored nor where he asks for variants of his own.
func TestInventedCredentialsDontEndSharing(t *testing.T) {
	for name, more := range map[string]func(i int) []string{
		"no-cache": func(int) []string { return []string{"Cache-Control", "no-cache"} },
		"variants": func(i int) []string { return []string{"Accept-Language", fmt.Sprintf("x-%d", i)} },
	} {
		for _, credential := range credentials {
			t.Run(name+", "+credential, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := holdovertest.NewOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						control := "public, max-age=60"
						if strings.HasPrefix(r.Header.Get(credential), "own") {
							control = "private"
						}
						slowly(100*time.Millisecond, answer(200, "page", "Cache-Control", control, "Vary", "Accept-Language"))(w, r)
					}))
					h := newCache(t, holdover.Config{}).Handler(s)
					get(h, credential, "id")
					for round := range 3 {
						time.Sleep(58 * time.Second)
						for i := range 20 {
							i += 100 * round
							go get(h, append(more(i), credential, fmt.Sprintf("own%d", i))...)
							time.Sleep(10 * time.Millisecond)
						}
						time.Sleep(5 * time.Second) // now the page is stale
						from := time.Now()
						together(50, func(i int) { get(h, credential, fmt.Sprintf("id%d-%d", round, i)) })
						require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 2, "round %d", round)
					}
				})
			})
		}
	}
}

const dayLong = "public, max-age=1, stale-if-error=86400"

// A failure that only one user's credentials bring about puts the page to rest for nobody else.
func TestOwnFailureRestsForNobodyElse(t *testing.T) {
	for name, own := range map[string]http.HandlerFunc{
		"429 for an hour": answer(429, "slow down", "Retry-After", "3600", "Cache-Control", "private"),
		"500":             answer(500, "broken session", "Cache-Control", "private"),
	} {
		for _, credential := range credentials {
			t.Run(name+", "+credential, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newCache(t, holdover.Config{}).Handler(
						apart(credential, "own", own, answer(200, "page", "Cache-Control", dayLong)))
					get(h, credential, "another")
					stale := 0
					for range 100 {
						time.Sleep(1500 * time.Millisecond)
						get(h, credential, "own")
						w := get(h, credential, "good")
						require.Equal(t, "page", w.Body.String())
						if staleOf(w) {
							stale++
						}
					}
					require.LessOrEqual(t, stale, 5)
				})
			})
		}
	}
}

// Nor does a page of his own that takes too long.
func TestOwnSlowPageRestsForNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(apart("Cookie", "own",
			func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(3 * time.Second):
					answer(200, "own", "Cache-Control", "private")(w, r)
				case <-r.Context().Done():
				}
			},
			answer(200, "page", "Cache-Control", dayLong)))
		get(h, "Cookie", "another")
		stale := 0
		for range 100 {
			time.Sleep(1500 * time.Millisecond)
			go get(h, "Cookie", "own")
			time.Sleep(1100 * time.Millisecond)
			if staleOf(get(h, "Cookie", "good")) {
				stale++
			}
		}
		time.Sleep(time.Minute)
		require.LessOrEqual(t, stale, 5)
	})
}

// What a second asker sees too is no longer one's own: Retry-After holds for all then.
func TestConfirmedFailureRestsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(answer(200, "page", "Cache-Control", dayLong))
		h := newCache(t, holdover.Config{}).Handler(s)
		get(h)
		time.Sleep(2 * time.Second)
		s.Behave(holdovertest.Status(429, "Retry-After", "60"))
		from := time.Now()
		for i := range 55 {
			require.Equal(t, "page", get(h, "Cookie", fmt.Sprintf("id=%d", i)).Body.String())
			time.Sleep(time.Second)
		}
		require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 3)
	})
}

// An origin that fails for everybody is only probed, whoever asks, and is seen to be well again
// soon after it is.
func TestTrickleWhoeverAsks(t *testing.T) {
	const keys = 10
	for who, cookie := range map[string]func(i int) string{
		"one":         func(int) string { return "id=1" },
		"two in turn": func(i int) string { return fmt.Sprintf("id=%d", i/keys%2) },
		"always new":  func(i int) string { return fmt.Sprintf("id=%d", i) },
	} {
		for fault, behaviour := range map[string]holdovertest.Fault{
			"503": holdovertest.Status(503), "hang": holdovertest.Hang(),
		} {
			t.Run(who+", "+fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := holdovertest.NewOrigin(answer(200, "page", "Cache-Control", dayLong))
					h := newCache(t, holdover.Config{}).Handler(s)
					for i := range keys {
						ask(h, "GET", pageURL(i))
					}
					asked := 0
					visit := func(d time.Duration) {
						for until := time.Now().Add(d); time.Now().Before(until); asked++ {
							i := asked
							go ask(h, "GET", pageURL(i%keys), "Cookie", cookie(i))
							time.Sleep(10 * time.Millisecond)
						}
					}
					time.Sleep(2 * time.Second)
					s.Behave(behaviour)
					visit(2 * time.Second)
					from := time.Now()
					visit(20 * time.Second)
					require.LessOrEqual(t, len(s.Requests().Between(from, time.Now())), 20*keys/5+2)
					s.Behave(nil)
					visit(2 * time.Second)
					for i := range keys {
						require.False(t, staleOf(ask(h, "GET", pageURL(i), "Cookie", cookie(i))), i)
					}
					time.Sleep(time.Minute)
				})
			})
		}
	}
}

// Answers that are one's own make those for others live no longer.
func TestOwnAnswersGrowNoLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := apart("Cookie", "own", answer(404, "own", "Cache-Control", "private"), answer(404, "none"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Freshness: holdover.Freshness{
			StatusTTL: holdover.StatusTTL{404: {TTL: time.Second, Growth: 2, Cap: time.Hour}},
		}}}).Handler(o)
		for range 20 {
			get(h, "Cookie", "own", "Cache-Control", "no-cache")
			time.Sleep(10 * time.Second)
		}
		get(h)
		time.Sleep(1500 * time.Millisecond)
		before := o.calls.Load()
		get(h)
		require.EqualValues(t, 1, o.calls.Load()-before)
	})
}

// Where the policy lets everyone in while the origin fails, a denial keeps out whom it was given to.
func TestDenialOfOneUnderAllowAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := apart("Authorization", "bad",
			answer(401, "no", "Cache-Control", "no-store"), answer(200, "yes", "Cache-Control", "no-store"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Outcome: holdover.AllowAll}}).Handler(o)
		visit := func(who string) int { return get(h, "Authorization", who).Code }
		require.Equal(t, []int{200, 401}, []int{visit("good"), visit("bad")})
		o.set(answer(503, "sorry"))
		require.Equal(t, []int{200, 503}, []int{visit("good"), visit("bad")})
	})
}

// Nor does it drop a part that is stored of a page.
func TestWhatIsForOneDropsNoPart(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		own    http.HandlerFunc
	}{
		"GET 404":           {"GET", answer(404, "none", "Cache-Control", "private")},
		"HEAD with an Etag": {"HEAD", answer(200, "", "Cache-Control", "private", "Etag", `"mine"`)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newFilm(1000, "Cache-Control", "public, max-age=60", "Etag", `"1"`)
				h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(apart("Cookie", "own", tt.own, m.show))
				m.wantRange(t, h, 100, 119)
				require.True(t, hit(m.wantRange(t, h, 100, 119)))
				ask(h, tt.method, page1, "Cookie", "own", "Cache-Control", "no-cache")
				synctest.Wait()
				require.True(t, hit(m.wantRange(t, h, 100, 119)))
			})
		})
	}
}
