// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Those who gather anew do it with their like: what is for somebody alone in another class of
// credentials neither makes them wait once more, nor are they given to one another.
func TestWhoGathersAnewStaysWithHisLike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("Cookie") != "":
				slowly(100*time.Millisecond, answer(200, "a cookie's", "Cache-Control", "private"))(w, r)
			case r.Header.Get("Authorization") != "":
				slowly(100*time.Millisecond, answer(200, "a member's", "Cache-Control", "private"))(w, r)
			default:
				slowly(100*time.Millisecond, answer(200, "for all", "Cache-Control", "public, max-age=60"))(w, r)
			}
		}))
		go get(h, "Cookie", "own=1")
		synctest.Wait()
		began := time.Now()
		together(10, func(i int) {
			if i == 0 {
				require.Equal(t, "a member's", get(h, "Authorization", "member").Body.String())
			} else {
				require.Equal(t, "for all", get(h).Body.String())
			}
			require.Equal(t, 200*time.Millisecond, time.Since(began))
		})
	})
}

// However many pages of their own others get before, a request waits for three of them at most.
func TestFewAreWaitedForWhoHavePagesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var waited []time.Duration
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			control := "private"
			if r.Header.Get("Cookie") == "id=1" {
				control = "public, max-age=1"
			}
			slowly(time.Second, answer(200, r.Header.Get("Cookie"), "Cache-Control", control))(w, r)
		}))
		get(h, "Cookie", "id=1")
		time.Sleep(2 * time.Second)
		together(12, func(i int) {
			who, began := fmt.Sprintf("own=%d", i), time.Now()
			require.Equal(t, who, get(h, "Cookie", who).Body.String())
			mu.Lock()
			defer mu.Unlock()
			waited = append(waited, time.Since(began))
		})
		count := map[time.Duration]int{}
		for _, d := range waited {
			count[d/time.Second]++
		}
		require.Equal(t, map[time.Duration]int{1: 1, 2: 1, 3: 1, 4: 9}, count, "in seconds")
	})
}

// Requests with the same credentials, which the origin denies, don't wait for one another's denials.
func TestTheSameDeniedCredentialsWaitOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "good" {
				answer(200, "for all", "Cache-Control", "public, max-age=1")(w, r)
				return
			}
			slowly(100*time.Millisecond, answer(401, "who are you?", "Cache-Control", "no-store"))(w, r)
		}))
		get(h, "Authorization", "good")
		time.Sleep(2 * time.Second)
		began := time.Now()
		together(10, func(int) {
			require.Equal(t, 401, get(h, "Authorization", "bad").Code)
			require.LessOrEqual(t, time.Since(began), 200*time.Millisecond)
		})
	})
}
