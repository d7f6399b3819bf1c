// SPDX-License-Identifier: MIT

package holdover_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func TestStatsCountAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, holdover.Config{Detach: detached})
		o := newOrigin(answer(200, "x", "Cache-Control", "max-age=10, stale-if-error=60"))
		h := c.Handler(o)
		get(h)                                              // forwarded
		get(h)                                              // hit
		get(h)                                              // hit
		synctest.Wait()                                     // a fetch may end after its client's answer
		ask(h, "PUT", "http://example.com/elsewhere")       // bypassed
		get(h, "Cache-Control", "only-if-cached, no-cache") // synthetic
		time.Sleep(11 * time.Second)
		o.set(answer(503, "down"))
		get(h)                                      // stale
		ask(h, "GET", "http://example.com/missing") // forwarded, failed
		synctest.Wait()
		require.Equal(t, holdover.Stats{
			Requests: 7, Hits: 2, Stale: 1, Forwarded: 3, Bypassed: 1, Synthetic: 1,
			Fetches: 3, FetchFailures: 2, Stored: 1,
		}, c.Stats())
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{All: true}))
		require.EqualValues(t, 1, c.Stats().Purges)
	})
}

func TestStatsCountCollapsedAndRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, holdover.Config{Detach: detached})
		h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			answer(200, "x", "Cache-Control", "max-age=10")(w, r)
		}))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { get(h) })
		}
		synctest.Wait()
		require.Equal(t, 1, c.Stats().Running)
		wg.Wait()
		synctest.Wait()
		s := c.Stats()
		require.EqualValues(t, 5, s.Requests)
		require.EqualValues(t, 5, s.Forwarded)
		require.EqualValues(t, 4, s.Collapsed)
		require.EqualValues(t, 1, s.Fetches)
		require.Zero(t, s.Running)
	})
}

// A panic in the hook costs no request its answer.
func TestStatsCountHookPanics(t *testing.T) {
	c := newCache(t, holdover.Config{OnEvent: func(holdover.Event) { panic("hook") }})
	h := c.Handler(answer(200, "x", "Cache-Control", "max-age=10"))
	for range 3 {
		require.Equal(t, "x", get(h).Body.String())
	}
	require.GreaterOrEqual(t, c.Stats().HookPanics, uint64(3))
	require.EqualValues(t, 2, c.Stats().Hits)
}

// The hook is told of each answer, hits included, as often as the counters are.
func TestHookAndStatsAgree(t *testing.T) {
	var told events
	c := newCache(t, holdover.Config{OnEvent: told.add})
	h := c.Handler(answer(200, "x", "Cache-Control", "max-age=10"))
	for range 4 {
		get(h)
	}
	answers := told.of(holdover.EventAnswer)
	require.Len(t, answers, 4)
	require.EqualValues(t, 4, c.Stats().Requests)
	for _, e := range answers[1:] {
		require.Equal(t, holdover.ReasonHit, e.Reason)
		require.Equal(t, 200, e.Status)
		require.Equal(t, "/page", e.Path)
	}
	require.Len(t, told.of(holdover.EventStored), 1)
	require.Len(t, told.of(holdover.EventFetch), 1)
}

// Counters are not lost among processors.
func TestStatsUnderLoad(t *testing.T) {
	c := newCache(t, holdover.Config{})
	h := c.Handler(answer(200, "x", "Cache-Control", "max-age=60"))
	get(h)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				get(h)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 4000, c.Stats().Hits)
	require.EqualValues(t, 4001, c.Stats().Requests)
}

// The names stand in dashboards.
func TestStatsNames(t *testing.T) {
	text, err := json.Marshal(holdover.Stats{})
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Len(t, fields, reflect.TypeFor[holdover.Stats]().NumField())
	for name := range fields {
		require.Equal(t, strings.ToLower(name), name)
	}
}

// A failure that a good copy has outlived counts as refused, not as stored.
func TestStatsCountWhatIsStored(t *testing.T) {
	var told events
	c := newCache(t, holdover.Config{OnEvent: told.add})
	o := newOrigin(answer(200, "good", "Cache-Control", "max-age=0, stale-if-error=60"))
	h := c.Handler(o)
	get(h)
	o.set(answer(503, "bad", "Cache-Control", "max-age=60"))
	require.Equal(t, "good", get(h).Body.String())
	require.Equal(t, 503, ask(h, "GET", "http://example.com/other").Code)
	require.NoError(t, c.Close())
	require.EqualValues(t, 2, c.Stats().Stored)
	var stored []int
	for _, e := range told.of(holdover.EventStored) {
		stored = append(stored, e.Status)
	}
	require.Equal(t, []int{200, 503}, stored)
	refused := told.of(holdover.EventRefused)
	require.Len(t, refused, 1)
	require.Equal(t, holdover.ReasonErrorStatus, refused[0].Reason)
}
