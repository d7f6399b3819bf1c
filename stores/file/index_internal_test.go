// SPDX-License-Identifier: MIT

package file

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func numbered(i int) (h hash) {
	binary.LittleEndian.PutUint64(h[:], uint64(i))
	return h
}

// whole checks the index against itself.
func whole(t *testing.T, x *index) {
	t.Helper()
	listed := 0
	for in, l := range x.lists {
		var blocks int64
		prev := uint32(0)
		for i := l.head; i != 0; i = x.slots.at(i).next {
			s := x.slots.at(i)
			require.EqualValues(t, in, s.in)
			require.Equal(t, prev, s.prev)
			require.Equal(t, i, x.places[s.hash])
			blocks += int64(s.blocks)
			prev = i
			listed++
		}
		require.Equal(t, l.tail, prev)
		require.Equal(t, l.blocks, blocks)
	}
	require.Len(t, x.places, listed)
}

// Whatever happens in whatever order, the lists and the sums stay right.
func TestIndexStaysWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	x := newIndex(1 << 20)
	files := make(map[hash]uint32)
	for step := range 30_000 {
		h, blocks := numbered(random.IntN(400)), uint32(1+random.IntN(8))
		switch random.IntN(10) {
		case 0, 1, 2:
			for !x.reserve(blocks) {
				victim, found := x.victim(func(hash) bool { return true })
				require.True(t, found)
				x.remove(victim, true)
				delete(files, victim)
			}
			x.put(h, blocks, 1)
			files[h] = blocks
		case 3, 4, 5:
			known, _ := x.hit(h, files[h])
			require.Equal(t, files[h] > 0, known)
		case 6:
			x.remove(h, false)
			delete(files, h)
		case 7:
			if _, found := files[h]; !found && x.adopt(h, blocks, 7) {
				files[h] = blocks
			}
		case 8:
			if blocks := blocks % 3; blocks > 0 && x.blocks() < x.limit/2 {
				x.learn(h, blocks)
				files[h] = blocks
			}
		case 9:
			x.keep(h)
		}
		if step%100 == 0 {
			whole(t, x)
		}
		require.LessOrEqual(t, x.blocks(), x.limit)
	}
	whole(t, x)
	var sum int64
	for h, blocks := range files {
		require.Equal(t, blocks, x.slots.at(x.places[h]).blocks)
		sum += int64(blocks)
	}
	require.Equal(t, sum, x.blocks())
	require.Len(t, x.places, len(files))
}

// Before the first survey no more than an eighth of the bound may be added.
func TestGrowthBeforeTheFirstSurvey(t *testing.T) {
	x := newIndex(1 << 20)
	for i := range 32 {
		require.True(t, x.reserve(1))
		x.put(numbered(i), 1, 1)
	}
	require.False(t, x.reserve(1))
	require.True(t, x.adopt(numbered(1000), 100, 1), "what was there already counts for nothing")
	require.False(t, x.reserve(1))
	x.remove(numbered(0), true)
	require.True(t, x.reserve(1))
	x.release(1)
	x.beginSurvey()
	x.endSurvey(true)
	require.True(t, x.reserve(100))
}

// A file that was removed while the survey went on isn't entered by what it saw before.
func TestSurveyDoesntBringBackWhatWent(t *testing.T) {
	x := newIndex(1 << 20)
	require.True(t, x.reserve(1))
	x.put(numbered(1), 1, 1)
	x.beginSurvey()
	x.remove(numbered(1), false)
	require.True(t, x.adopt(numbered(1), 1, 1))
	require.False(t, x.has(numbered(1)))
	x.endSurvey(true)
	require.True(t, x.adopt(numbered(1), 1, 1))
	require.True(t, x.has(numbered(1)))
}

func TestVictimsPassOverWhatIsTaken(t *testing.T) {
	x := newIndex(1 << 20)
	for i := range 3 {
		require.True(t, x.reserve(1))
		x.put(numbered(i), 1, 1)
	}
	victim, found := x.victim(func(h hash) bool { return h != numbered(0) })
	require.True(t, found)
	require.Equal(t, numbered(1), victim)
	_, found = x.victim(func(hash) bool { return false })
	require.False(t, found)
}

// The pages meet every slot, also while others come and go.
func TestPages(t *testing.T) {
	x := newIndex(1 << 30)
	for i := range 5000 {
		require.True(t, x.reserve(1))
		x.put(numbered(i), 1, 1)
	}
	met := make(map[hash]bool)
	var page []hash
	for i := uint32(1); i != 0; {
		page, i = x.page(i, page, func(*slot) bool { return true })
		for _, h := range page {
			met[h] = true
			x.remove(h, false)
		}
		require.True(t, x.reserve(1))
		x.put(numbered(10_000+len(met)), 1, 1)
	}
	for i := range 5000 {
		require.True(t, met[numbered(i)])
	}
}

func TestSeconds(t *testing.T) {
	for _, nanos := range []int64{1, 1e9, 1e9 + 1, time.Now().UnixNano()} {
		require.Greater(t, int64(seconds(nanos))*1e9, nanos, "rounded up: nothing goes too early")
	}
	for _, nanos := range []int64{-1 << 62, -1, 0} {
		require.EqualValues(t, 1, seconds(nanos), "expired, and not unknown")
	}
	require.Equal(t, uint32(untilNever-1), seconds(1<<62))
}

// bytesPerFile is what doc.go says that the index takes for a file.
const bytesPerFile = 110

func TestIndexMemory(t *testing.T) {
	const files = 300_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	x := newIndex(1 << 40)
	for i := range files {
		x.adopt(numbered(i), 1, 1)
	}
	per := float64(heap()-before) / files
	t.Logf("%.0f bytes for each file", per)
	require.Less(t, per, float64(bytesPerFile))
	runtime.KeepAlive(x)
}
