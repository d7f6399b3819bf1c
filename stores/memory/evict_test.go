// SPDX-License-Identifier: MIT

package memory_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/stores/memory"
)

const room = 1 << 20

func set(t testing.TB, s *memory.Store, key string, body int) {
	t.Helper()
	require.NoError(t, s.Set(t.Context(), key, entry(t, key, body)))
	require.LessOrEqual(t, s.Stats().Bytes, int64(room), "the bound holds after every Set")
}

func found(t testing.TB, s *memory.Store, key string) bool {
	t.Helper()
	_, err := s.Get(t.Context(), key)
	require.LessOrEqual(t, s.Stats().Bytes, int64(room), "the bound holds after every Get")
	return err == nil
}

func TestAScanDoesNotEvictTheHotSet(t *testing.T) {
	s := open(t, room)
	hot := make([]string, 100)
	for i := range hot {
		hot[i] = "hot " + strconv.Itoa(i)
		set(t, s, hot[i], 2<<10)
	}
	for _, key := range hot {
		require.True(t, found(t, s, key))
	}
	for i := range 5000 {
		set(t, s, "scan "+strconv.Itoa(i), 2<<10)
	}
	for _, key := range hot {
		require.True(t, found(t, s, key), "what was asked for again outlives what never was")
	}
	require.Greater(t, s.Stats().Evictions, uint64(4000))
}

func TestWithoutHitsTheOldestGoesFirst(t *testing.T) {
	const n = 2000
	s := open(t, room)
	for i := range n {
		set(t, s, strconv.Itoa(i), 1<<10)
	}
	held := s.Stats().Entries
	require.Greater(t, held, 300)
	require.EqualValues(t, n-held, s.Stats().Evictions)
	for e, err := range s.Scan(t.Context()) {
		require.NoError(t, err)
		i, err := strconv.Atoi(e.Key())
		require.NoError(t, err)
		require.GreaterOrEqual(t, i, n-held, "one of the oldest is still there")
	}
}

func TestTheProtectedAgeToo(t *testing.T) {
	s := open(t, room)
	for generation := range 20 {
		for i := range 300 {
			set(t, s, fmt.Sprint(generation, " ", i), 1<<10)
			found(t, s, fmt.Sprint(generation, " ", i))
		}
	}
	for i := range 300 {
		require.False(t, found(t, s, fmt.Sprint("0 ", i)), "what was popular once doesn't stay for ever")
	}
}

func TestAReplacedEntryStaysProtected(t *testing.T) {
	s := open(t, room)
	set(t, s, "hot", 1<<10)
	require.True(t, found(t, s, "hot"))
	for i := range 5000 {
		set(t, s, strconv.Itoa(i), 1<<10)
		if i%100 == 0 {
			set(t, s, "hot", 1<<10)
		}
	}
	require.True(t, found(t, s, "hot"), "revalidation doesn't put a popular entry on probation")
}

func TestALargeEntryIsHeldAmongProtectedOnes(t *testing.T) {
	s := open(t, room)
	for i := range 1000 {
		set(t, s, strconv.Itoa(i), 1<<10)
		found(t, s, strconv.Itoa(i))
	}
	for _, n := range []int{300 << 10, 600 << 10, 900 << 10} {
		key := strconv.Itoa(n)
		set(t, s, key, n)
		require.True(t, found(t, s, key), "Set never evicts what it just set")
	}
}

func TestAViewCountsFromTheFirstHitUntilItIsDropped(t *testing.T) {
	s := open(t, room)
	e := entry(t, "viewed", 1<<10)
	require.NoError(t, s.Set(t.Context(), "viewed", e))
	before := s.Stats().Bytes
	for range 3 {
		require.True(t, found(t, s, "viewed"))
		require.Equal(t, before+int64(e.ViewSize()), s.Stats().Bytes)
	}
	e.SetView("decoded")
	for i := 0; e.View() != nil && i < 10_000; i++ {
		key := strconv.Itoa(i)
		set(t, s, key, 1<<10)
		found(t, s, key)
		found(t, s, key)
	}
	require.Nil(t, e.View(), "an entry that leaves the protected segment loses its view")

	require.NoError(t, s.Set(t.Context(), "viewed", e))
	require.NoError(t, s.Delete(t.Context(), "viewed"))
	for i := range 10_000 {
		require.NoError(t, s.Delete(t.Context(), strconv.Itoa(i)))
	}
	require.Zero(t, s.Stats().Bytes, "what is charged is given back")
}

func TestFirstHitsMakeRoomForTheirViews(t *testing.T) {
	s := open(t, room)
	for i := range 2000 {
		set(t, s, strconv.Itoa(i), 100)
	}
	evicted := s.Stats().Evictions
	for i := range 2000 {
		found(t, s, strconv.Itoa(i))
	}
	require.Greater(t, s.Stats().Evictions, evicted)
}

func TestAccountsBalanceUnderLoad(t *testing.T) {
	s := open(t, room)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 1500 {
				disturb(t, s, rnd)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, s.Stats().Bytes, int64(room))
	require.Positive(t, s.Stats().Entries)
	for i := range 600 {
		require.NoError(t, s.Delete(t.Context(), strconv.Itoa(i)))
	}
	require.Zero(t, s.Stats().Entries)
	require.Zero(t, s.Stats().Bytes)
}

func disturb(t *testing.T, s *memory.Store, rnd *rand.Rand) {
	key := strconv.Itoa(rnd.IntN(600))
	switch rnd.IntN(10) {
	case 0:
		_ = s.Delete(t.Context(), key)
	case 1, 2, 3:
		_ = s.Set(t.Context(), key, entry(t, key, rnd.IntN(8<<10)))
	case 4:
		_, _ = s.SetIfNewer(t.Context(), key, entry(t, key, rnd.IntN(8<<10)))
	default:
		if e, err := s.Get(t.Context(), key); err == nil {
			e.SetView(key)
		}
	}
	if rnd.IntN(300) == 0 {
		for range s.Scan(t.Context()) {
		}
		s.Stats()
	}
}

// TestOverhead compares what is counted for entries with what the heap says.
func TestOverhead(t *testing.T) {
	const n = 50_000
	s := open(t, 1<<30)
	before := heap()
	for i := range n {
		key := "GET https://www.example.com/some/page/" + strconv.Itoa(i)
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, 512)))
	}
	taken := heap() - before
	counted := s.Stats().Bytes
	require.Equal(t, n, s.Stats().Entries)
	require.InEpsilon(t, taken, counted, 0.15, "the bound is about memory: %d bytes for each entry, %d counted", taken/n, counted/n)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
