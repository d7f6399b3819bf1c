// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Who comes when a body has outgrown what is kept of it gets a whole one of his own.
func TestWhoJoinsTooLateForABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := strings.Repeat("x", 1<<20)
		o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, page[:len(page)/2])
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, page[len(page)/2:])
		})
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: 64 << 10}}}).Handler(o)
		together(2, func(i int) {
			time.Sleep(time.Duration(i) * 500 * time.Millisecond)
			require.Equal(t, len(page), get(h).Body.Len())
		})
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// A body that breaks off is replaced by the policy's own answer where it has one.
func TestABrokenBodyIsReplacedByPolicy(t *testing.T) {
	letsIn, _ := letIn(t)
	for name, tt := range map[string]struct {
		policy holdover.Policy
		status int
	}{
		"a grant":  {letsIn, 202},
		"AllowAll": {holdover.Policy{Outcome: holdover.AllowAll}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{Policy: tt.policy}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Length", "100"})
					_, _ = io.WriteString(w, "begun")
					_ = http.NewResponseController(w).Flush()
					time.Sleep(100 * time.Millisecond)
					panic(http.ErrAbortHandler)
				}))
				w := get(h, "X-App-Id", "gold")
				require.Equal(t, tt.status, w.Code)
				require.NotContains(t, w.Body.String(), "begun")
			})
		})
	}
}

// Who wants what is made after he asked isn't given what was begun before.
func TestNoCacheIsNotAnsweredFromAnEarlierFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(time.Second, answer(200, "before", "Cache-Control", "max-age=60")))
		h := newCache(t, holdover.Config{}).Handler(o)
		go get(h)
		time.Sleep(500 * time.Millisecond)
		o.set(answer(200, "after", "Cache-Control", "max-age=60"))
		require.Equal(t, "after", get(h, "Cache-Control", "no-cache").Body.String())
		require.EqualValues(t, 2, o.calls.Load())
	})
}
