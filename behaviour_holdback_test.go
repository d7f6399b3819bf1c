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

// breaking writes n bytes, waits, and breaks off.
func breaking(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, strings.Repeat("n", n))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(100 * time.Millisecond)
		panic(http.ErrAbortHandler)
	}
}

// In front of a servable copy a new response is held back, so that one that breaks off
// is replaced before its first byte went out.
func TestHoldBackInFrontOfCopy(t *testing.T) {
	for name, tt := range map[string]struct {
		copy, written int
		replaced      bool
	}{
		"small": {10, 60 << 10, true}, "beyond the buffer": {10, 100 << 10, false}, "twice the copy": {100 << 10, 190 << 10, true},
		"beyond twice the copy": {100 << 10, 210 << 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := strings.Repeat("g", tt.copy)
				o := newOrigin(answer(200, good, "Cache-Control", "max-age=1, stale-if-error=600"))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(breaking(tt.written))
				w, value, _ := tried(h)
				require.Equal(t, tt.replaced, w.Body.String() == good)
				require.Equal(t, tt.replaced, value == nil, "what can't be replaced is aborted")
				time.Sleep(5 * time.Second)
				o.set(answer(503, "bad"))
				w, _, _ = tried(h)
				require.Equal(t, good, w.Body.String(), "the copy survives")
			})
		})
	}
}

// Without a copy the response streams at once, unless the policy holds it back.
func TestHoldBackByPolicy(t *testing.T) {
	for _, holds := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newCache(t, holdover.Config{Policy: holdover.Policy{HoldBack: holds}}).Handler(newOrigin(breaking(10)))
			w, value, _ := tried(h)
			if holds {
				require.NotContains(t, w.Body.String(), "n")
				require.Nil(t, value)
				require.Equal(t, http.StatusBadGateway, w.Code)
			} else {
				require.Equal(t, http.ErrAbortHandler, value)
				require.Contains(t, w.Body.String(), "nnn")
			}
		})
	}
}

// A hook that panics costs nobody an answer.
func TestHookPanicsAreCounted(t *testing.T) {
	c := newCache(t, holdover.Config{OnEvent: func(holdover.Event) { panic("hook") }})
	h := c.Handler(newOrigin(answer(200, "hello", "Cache-Control", "max-age=60")))
	for range 3 {
		require.Equal(t, "hello", get(h).Body.String())
	}
	require.NotZero(t, c.Stats().HookPanics)
}

// Every request makes one answer event.
func TestEveryRequestIsReported(t *testing.T) {
	var ev events
	o := newOrigin(answer(200, "hello", "Cache-Control", "max-age=60", "Etag", `"1"`))
	c := newCache(t, holdover.Config{OnEvent: ev.add})
	h := c.Handler(o)
	requests := [][]string{{"GET"}, {"GET"}, {"HEAD"}, {"POST"}, {"OPTIONS"}, {"GET", "If-Match", `"1"`}, {"GET", "Range", "bytes=0-1"},
		{"GET", "Cache-Control", "only-if-cached"}, {"GET", "Accept", "text/event-stream"}, {"GET", "If-None-Match", `"1"`}, {"GET", "Cache-Control", "no-cache"}}
	for i, r := range requests {
		w := ask(h, r[0], page1, r[1:]...)
		answers := ev.of(holdover.EventAnswer)
		require.Len(t, answers, i+1, r)
		last := answers[i]
		require.Equal(t, w.Code, last.Status, r)
		require.Equal(t, r[0], last.Method)
		require.Equal(t, "/page", last.Path)
		require.NotEmpty(t, last.Reason)
		require.Len(t, w.Header()["Cache-Status"], 1, r)
	}
	require.EqualValues(t, len(requests), c.Stats().Requests)
}
