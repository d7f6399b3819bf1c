// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// mixed is a page that some have for themselves and all others share.
func mixed(credential string, body string, calls *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get(credential), "own=") {
			slowly(100*time.Millisecond, answer(200, body, "Cache-Control", "private", "Vary", credential))(w, r)
			return
		}
		calls.Add(1)
		slowly(100*time.Millisecond, answer(200, "for all", "Cache-Control", "public, max-age=1"))(w, r)
	}
}

// Somebody who gets a page of his own, small or huge, and asks for it first as often as he
// likes, doesn't make the origin answer once for each of the others.
func TestNobodysCredentialsTurnSharingOff(t *testing.T) {
	for _, credential := range []string{"Authorization", "Cookie"} {
		for name, body := range map[string]string{"small": "mine", "huge": strings.Repeat("x", 100<<10)} {
			for others, value := range map[string]string{"anonymous": "", "with credentials": "id=%d"} {
				t.Run(credential+", "+name+", others "+others, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						for _, keep := range []time.Duration{0, -1} { // with a stale copy, and without
							a := newAttack(t, holdover.Grace{Keep: keep}, credential, body, value)
							for round := range 10 {
								calls := a.round(func(int) string { return "own=1" })
								require.LessOrEqual(t, calls, int64(1), "round %d", round)
							}
						}
					})
				})
			}
		}
	}
}

// Nor under many names, but for the times when chance lets him be the first of those who
// gather anew, and again.
func TestNobodysManyCredentialsTurnSharingOff(t *testing.T) {
	for others, value := range map[string]string{"anonymous": "", "with credentials": "id=%d"} {
		t.Run(others, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, sum := newAttack(t, holdover.Grace{}, "Cookie", "mine", value), int64(0)
				for round := range 20 {
					sum += a.round(func(i int) string { return fmt.Sprintf("own=%d", 100*round+i) })
				}
				if value == "" {
					require.LessOrEqual(t, sum, int64(20))
				} else {
					require.Less(t, sum, int64(20*crowd/2))
				}
			})
		})
	}
}

const crowd = 50 // those who share

// attack is a page under attack.
type attack struct {
	t                 *testing.T
	h                 http.Handler
	calls             atomic.Int64 // for the page that all share
	credential, value string
}

func newAttack(t *testing.T, grace holdover.Grace, credential, body, value string) *attack {
	a := &attack{t: t, credential: credential, value: value}
	a.h = newCache(t, holdover.Config{Policy: holdover.Policy{Grace: grace, Safety: holdover.Safety{MaxBody: 64 << 10}}}).
		Handler(mixed(credential, body, &a.calls))
	a.visit(0)
	return a
}

// visit is one of the crowd.
func (a *attack) visit(i int) {
	var fields []string
	if a.value != "" {
		fields = []string{a.credential, fmt.Sprintf(a.value, i)}
	}
	require.Equal(a.t, "for all", get(a.h, fields...).Body.String())
}

// round lets twenty attackers ask for a stale page, then the crowd. It returns how often the
// page was made for these.
func (a *attack) round(who func(i int) string) int64 {
	time.Sleep(2 * time.Second)
	attackers := make(chan struct{})
	go func() {
		defer close(attackers)
		together(20, func(i int) { get(a.h, a.credential, who(i)) })
	}()
	time.Sleep(50 * time.Millisecond)
	before := a.calls.Load()
	together(crowd, a.visit)
	<-attackers
	return a.calls.Load() - before
}

// Users with pages of their own don't wait for one another for long either, though others
// share the page.
func TestOwnPagesBesideASharedOne(t *testing.T) {
	t.Run("with a stale copy", func(t *testing.T) { ownPagesBesideASharedOne(t, holdover.Grace{}) })
	t.Run("without", func(t *testing.T) { ownPagesBesideASharedOne(t, holdover.Grace{Keep: -1}) })
}

func ownPagesBesideASharedOne(t *testing.T, grace holdover.Grace) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Grace: grace}}).Handler(mixed("Cookie", "mine", &calls))
		get(h, "Cookie", "id=1")
		for round := range 3 {
			time.Sleep(2 * time.Second)
			began := time.Now()
			together(20, func(i int) {
				require.Equal(t, "mine", get(h, "Cookie", fmt.Sprintf("own=%d", i)).Body.String())
				if took := time.Since(began); round > 0 {
					require.Equal(t, 100*time.Millisecond, took)
				} else {
					require.LessOrEqual(t, took, 400*time.Millisecond)
				}
			})
		}
	})
}

// A page that all shared and that isn't shared any more is soon known as that: few wait for
// others' answers then, though it was to be fresh for a day.
func TestSharingEndsWithThePage(t *testing.T) {
	for name, credential := range map[string]string{"no credentials": "X-Who", "cookies": "Cookie", "authorization": "Authorization"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "for all", "Cache-Control", "public, max-age=86400"))
				c := newCache(t, holdover.Config{})
				h := c.Handler(o)
				get(h, credential, "id=0")
				require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{All: true}))
				o.set(slowly(300*time.Millisecond, answer(200, "mine", "Cache-Control", "private")))
				slow := 0
				for round := range 100 {
					began := time.Now()
					together(20, func(i int) { get(h, credential, fmt.Sprintf("id=%d", 1000*round+i)) })
					took := time.Since(began)
					require.LessOrEqual(t, took, 1200*time.Millisecond)
					if took > 300*time.Millisecond {
						slow++
					}
					time.Sleep(10 * time.Second)
				}
				require.Less(t, slow, 20, "rounds that waited for somebody")
			})
		})
	}
}

// Credentials that anybody can make up, and that the origin denies, count for nothing.
func TestDeniedCredentialsDoNotEndSharing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "good" {
				slowly(100*time.Millisecond, answer(401, "who are you?", "Cache-Control", "no-store"))(w, r)
				return
			}
			calls.Add(1)
			slowly(100*time.Millisecond, answer(200, "for all", "Cache-Control", "public, max-age=1"))(w, r)
		}))
		get(h, "Authorization", "good")
		for i := range 100 {
			get(h, "Authorization", fmt.Sprint("made up ", i), "Cache-Control", "no-cache")
		}
		time.Sleep(2 * time.Second)
		before := calls.Load()
		together(50, func(int) { require.Equal(t, "for all", get(h, "Authorization", "good").Body.String()) })
		require.EqualValues(t, 1, calls.Load()-before)
	})
}
