// SPDX-License-Identifier: MIT

package keystate_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/keystate"
)

func TestTableRemembers(t *testing.T) {
	table := keystate.New(10)
	_, ok := table.Get(1)
	require.False(t, ok)
	require.Zero(t, table.Len(), "looking creates nothing")

	table.Update(1, func(s *keystate.State) {
		require.Equal(t, keystate.State{}, *s)
		s.LastSize, s.LastFetch, s.Attempts, s.VaryHint = 7, time.Second, 2, []string{"Accept"}
		s.Backoff.Failures = 3
	})
	table.Update(1, func(s *keystate.State) { s.LastSize++ })
	s, ok := table.Get(1)
	require.True(t, ok)
	require.EqualValues(t, 8, s.LastSize)
	require.Equal(t, []string{"Accept"}, s.VaryHint)
	require.EqualValues(t, 3, s.Backoff.Failures)

	s.LastSize = 0
	s.NotShareable(keystate.ClassNone, true, start)
	again, _ := table.Get(1)
	require.EqualValues(t, 8, again.LastSize, "Get returns a copy")
	require.True(t, again.MayShare(keystate.ClassNone, start))
}

func TestTableIsBounded(t *testing.T) {
	for _, max := range []int{1, 2, 3, 255, 257, 1000, 10_000} {
		table := keystate.New(max)
		for hash := range uint64(3*max + 3) {
			table.Update(hash, func(*keystate.State) {})
		}
		require.LessOrEqual(t, table.Len(), max)
		require.Greater(t, table.Len(), max*3/4, "of %d", max)
	}
	require.Positive(t, keystate.DefaultMax)
	table := keystate.New(0)
	table.Update(1, func(*keystate.State) {})
	require.Equal(t, 1, table.Len())
}

func TestTableKeepsWhatIsUsed(t *testing.T) {
	table := keystate.New(100)
	table.Update(0, func(s *keystate.State) { s.LastSize = 1 })
	table.Update(1000, func(*keystate.State) {})
	for hash := range uint64(500) {
		table.Update(hash+1, func(*keystate.State) {})
		_, ok := table.Get(0)
		require.True(t, ok)
	}
	_, ok := table.Get(1000)
	require.False(t, ok, "the one not used for the longest time goes")
}

func TestUpdatesOfOneKeyNeverOverlap(t *testing.T) {
	table := keystate.New(1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 2000 {
				table.Update(uint64(i%50), func(s *keystate.State) { s.LastSize++ })
				table.Get(uint64(i % 70))
				if i%500 == 0 {
					table.Len()
				}
			}
		})
	}
	wg.Wait()
	for hash := range uint64(50) {
		s, _ := table.Get(hash)
		require.EqualValues(t, 8*2000/50, s.LastSize)
	}
}

func TestPanicInUpdateLeavesNoLock(t *testing.T) {
	table := keystate.New(1)
	require.Panics(t, func() { table.Update(1, func(*keystate.State) { panic("out of f") }) })
	table.Update(1, func(*keystate.State) {})
	require.Equal(t, 1, table.Len())
}

func TestKnownKeyAllocatesNothing(t *testing.T) {
	table := keystate.New(10)
	table.Update(1, func(*keystate.State) {})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		table.Update(1, func(s *keystate.State) { s.LastSize++ })
		table.Get(1)
	}))
}

func BenchmarkGet(b *testing.B) {
	table := keystate.New(0)
	for hash := range uint64(10_000) {
		table.Update(hash, func(*keystate.State) {})
	}
	b.ReportAllocs()
	var hash uint64
	for b.Loop() {
		hash = (hash + 1) % 10_000
		table.Get(hash)
	}
}
