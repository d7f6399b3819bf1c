// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// timeless is a policy that bounds no wait.
var timeless = holdover.Policy{Origin: holdover.Origin{SoftTimeout: -1, HardTimeout: -1}}

// Where the policy's timeouts are off, nobody waits for more than an hour all the same.
func TestTimeoutsThatAreOffBoundWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(5*time.Hour, answer(200, "late", "Cache-Control", "max-age=60")))
		h := newCache(t, holdover.Config{Policy: timeless}).Handler(o)
		began := time.Now()
		together(3, func(int) {
			require.Equal(t, 504, get(h).Code)
			require.Equal(t, time.Hour, time.Since(began))
		})
		time.Sleep(4*time.Hour + time.Minute)
		require.EqualValues(t, 1, o.calls.Load())
	})
}

// Nor for an hour each time that he waits for others.
func TestWaitsForOthersAreBoundedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{Policy: timeless}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "" {
				slowly(40*time.Minute, answer(200, "mine", "Cache-Control", "private"))(w, r)
				return
			}
			slowly(5*time.Hour, answer(200, "for all", "Cache-Control", "max-age=60"))(w, r)
		}))
		go get(h, "Cookie", "own=1")
		synctest.Wait()
		began, took := time.Now(), make([]time.Duration, 3)
		together(3, func(i int) { // one of them asks for the others after forty minutes
			require.Equal(t, 504, get(h).Code)
			took[i] = time.Since(began)
		})
		slices.Sort(took)
		require.Equal(t, []time.Duration{time.Hour, time.Hour}, took[:2])
		require.LessOrEqual(t, took[2], time.Hour+40*time.Minute, "the one who asked")
		time.Sleep(5 * time.Hour)
	})
}
