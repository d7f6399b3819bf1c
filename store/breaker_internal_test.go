// SPDX-License-Identifier: MIT

package store

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// outcomes: x is a strike, . a success.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name, outcomes string
		trips          int // after how many, 0 for never
	}{
		{"three in a row", "xxx", 3},
		{"a success clears a run", "xx.xx.xx.xx.", 0},
		{"no successes needed before", strings.Repeat(".", 40) + "xxx", 43},
		{"16 of 32", strings.Repeat("x.", 20), 31},
		{"15 of 32", strings.Repeat(strings.Repeat("x.", 15)+"..", 3), 0},
		{"what is long ago doesn't count", strings.Repeat("xx.", 5) + strings.Repeat(".", 32) + strings.Repeat("xx.", 5), 0},
		{"two of three", strings.Repeat("xx.", 20), 23},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w window
			tripped := 0
			for i, o := range c.outcomes {
				if w.add(newTicket(Closed, false, 7), o == 'x') && tripped == 0 {
					tripped = i + 1
				}
			}
			require.Equal(t, c.trips, tripped)
		})
	}
}

func TestWindowOfGenerations(t *testing.T) {
	var w window
	old, now := newTicket(Closed, false, 4), newTicket(Closed, false, 6)
	require.False(t, w.add(old, true))
	require.False(t, w.add(old, true))
	require.False(t, w.add(now, true), "what was before counts no more")
	require.False(t, w.add(old, true), "and comes too late")
	require.False(t, w.add(old, false))
	require.False(t, w.add(now, true))
	require.True(t, w.add(now, true))

	last, next := newTicket(Closed, false, ^uint32(0)), newTicket(Closed, false, 1)
	w = window{}
	w.word.Store(uint64(last.generation()) << 32)
	require.False(t, w.add(next, true))
	require.False(t, w.add(last, true))
	require.False(t, w.add(next, true))
	require.True(t, w.add(next, true), "generations are counted around")
}

func TestTickets(t *testing.T) {
	for s := Closed; s <= Merging; s++ {
		for _, byWrites := range []bool{false, true} {
			k := newTicket(s, byWrites, 1<<32-1)
			require.Equal(t, s, k.state())
			require.Equal(t, byWrites, k.byWrites())
			require.EqualValues(t, 1<<32-1, k.generation())
		}
	}
	var b breaker
	b.enter(Open, true)
	b.enter(Probing, true)
	b.enter(Merging, false)
	merging := b.now()
	b.enter(Closed, false)
	require.Equal(t, merging.generation(), b.now().generation(), "a member that was used while merging goes on")
	require.Equal(t, []string{"closed", "open", "probing", "merging", "unknown"},
		[]string{Closed.String(), Open.String(), Probing.String(), Merging.String(), State(9).String()})
}

// Strikes of many goroutines are all counted: 32 successes and strikes in turn trip it whoever
// comes when.
func TestWindowAtOnce(t *testing.T) {
	for range 100 {
		var w window
		var wg sync.WaitGroup
		trips := make(chan struct{}, 64)
		for range 64 {
			wg.Go(func() {
				if w.add(newTicket(Closed, false, 0), true) {
					trips <- struct{}{}
				}
			})
		}
		wg.Wait()
		require.Len(t, trips, 62, "all but the first two")
	}
}

func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &member{closed: time.Now()}
		want := minProbeGap
		about := func(d time.Duration) {
			require.InDelta(t, float64(want), float64(d), float64(want)*probeJitter)
			want = min(2*want, maxProbeGap)
		}
		about(m.backOff(Closed))
		for range 8 {
			about(m.backOff(Probing))
		}
		m.closed = time.Now()
		time.Sleep(calm - 1)
		about(m.backOff(Closed))
		time.Sleep(calm)
		about(m.backOff(Merging))
		want = minProbeGap
		about(m.backOff(Closed))
		m.closed = time.Now()
		about(m.backOff(Closed))
	})
}
