// SPDX-License-Identifier: MIT

package holdover

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStepsOfTheClock(t *testing.T) {
	const second = int64(time.Second)
	for _, tt := range []struct {
		name string
		now  []int64 // seconds since the first reading
		want []bool
	}{
		{"forward", []int64{0, 1, 100, 1e6}, []bool{false, false, false, false}},
		{"still", []int64{0, 0, 0}, []bool{false, false, false}},
		{"jitter", []int64{0, 10, 8, 10, 5, 11}, []bool{false, false, false, false, false, false}},
		{"a step, told once", []int64{0, 100, 90, 90, 91, 89, 100}, []bool{false, false, true, false, false, false, false}},
		{"two steps", []int64{0, 100, 90, 80, 80}, []bool{false, false, true, true, false}},
		{"a creep", []int64{0, 100, 96, 92, 92}, []bool{false, false, false, true, false}},
		{"a step, then forward, then a step", []int64{0, 100, 50, 100, 50}, []bool{false, false, true, false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s stepDetector
			for i, now := range tt.now {
				_, back := s.stepped(at0 + now*second)
				require.Equal(t, tt.want[i], back, "reading %d", i)
			}
		})
	}
}

func TestAStepIsToldToOneRequest(t *testing.T) {
	var s stepDetector
	s.stepped(at0)
	var told atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, back := s.stepped(at0 - int64(time.Minute) + int64(i)); back {
				told.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, told.Load())
}

// The age of what was stored before a step back is unknown: it is stale, and good
// enough for a failing origin.
func TestStoredResponsesAfterAStepBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		back time.Duration
		hit  bool
	}{
		{"jitter", time.Second, true},
		{"almost a step", maxSkew - time.Millisecond, true},
		{"a step", maxSkew + 2*time.Second, false},
		{"a day", 24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newTimed(t, Config{})
			m.time.Store(time.Now().UnixNano()) // the memory store has a clock of its own
			h := m.wrap("Cache-Control: max-age=86400, stale-if-error=60")
			fetchPage(h)
			m.pass(10 * time.Second) // the response is older than the step is long
			require.Equal(t, "10", fetchPage(h).Header().Get("Age"))
			m.pass(-tt.back)
			w := fetchPage(h)
			if tt.hit {
				require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
				require.EqualValues(t, 1, m.calls.Load())
				return
			}
			require.Contains(t, w.Header().Get("Cache-Status"), "fwd=stale")
			require.EqualValues(t, 2, m.calls.Load())
			require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "; hit", "what was fetched since is fresh")
		})
	}
}

// A goroutine that was stopped after it had read the clock has an old reading. The clock
// is read again before it is said to be set back.
func TestAnOldReadingIsNoStep(t *testing.T) {
	for name, tt := range map[string]struct {
		readings []time.Duration // since the latest reading that is known
		step     bool
	}{
		"old":        {[]time.Duration{-time.Minute, time.Millisecond}, false},
		"set back":   {[]time.Duration{-time.Minute, -time.Minute}, true},
		"not so old": {[]time.Duration{-time.Second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newTimed(t, Config{})
			require.Equal(t, at0, m.now())
			position, i := m.marks.Position(), 0
			m.Cache.clock = func() int64 {
				i++
				return at0 + int64(tt.readings[i-1])
			}
			require.Equal(t, at0+int64(tt.readings[len(tt.readings)-1]), m.now())
			require.Equal(t, tt.step, m.marks.Position() != position)
			m.Cache.clock = m.time.Load
		})
	}
}

// A response from up to five seconds ahead is as old as when it arrived, never younger.
func TestNegativeAgesCountAsZero(t *testing.T) {
	m := newTimed(t, Config{})
	h := m.wrap("Cache-Control: max-age=60", "Age: 7")
	fetchPage(h)
	m.pass(-4 * time.Second)
	w := fetchPage(h)
	require.Equal(t, "7", w.Header().Get("Age"))
	require.Equal(t, "holdover; hit; ttl=53", w.Header().Get("Cache-Status"))
}

func TestAStepForwardMakesStale(t *testing.T) {
	m := newTimed(t, Config{})
	h := m.wrap("Cache-Control: max-age=60")
	fetchPage(h)
	m.pass(time.Hour - time.Minute)
	require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "fwd=stale")
}

func TestWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wallClock
		for _, d := range []time.Duration{0, time.Millisecond, 998 * time.Millisecond, time.Millisecond, time.Second, time.Hour} {
			time.Sleep(d)
			require.Equal(t, time.Now().UnixNano(), w.now())
		}
	})
	var w wallClock
	last := w.now()
	for range 1000 {
		now := w.now()
		require.GreaterOrEqual(t, now, last)
		last = now
	}
	require.InDelta(t, time.Now().UnixNano(), last, float64(time.Second))
}
