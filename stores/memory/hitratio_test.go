// SPDX-License-Identifier: MIT

package memory_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// The load of the simulation: keys asked for by Zipf's law, bodies of 1 to
// 256 KiB with logarithms evenly spread, room for a tenth of them, and now and
// then a scan over many keys that nobody asks for again.
const (
	simKeys     = 20_000
	simRequests = 400_000
	scanEvery   = 10_000
	scanLen     = 1_800
	simSizes    = 64 // the sizes are rounded to as many, one shared entry each
)

type simulation struct {
	zipf    *rand.Zipf
	sizes   *rand.Rand
	entries [simSizes]*store.Entry
	sizeOf  [simKeys]int
	total   int64
}

func newSimulation(b *testing.B, exponent float64) *simulation {
	sim := &simulation{sizes: rand.New(rand.NewPCG(3, 4))}
	sim.zipf = rand.NewZipf(rand.New(rand.NewPCG(5, 6)), exponent, 1, simKeys-1)
	for i := range sim.entries {
		body := int(1024 * math.Pow(256, (float64(i)+0.5)/simSizes))
		sim.entries[i] = entry(b, "shared", body)
	}
	for i := range sim.sizeOf {
		sim.sizeOf[i] = sim.sizes.IntN(simSizes)
		sim.total += int64(sim.entries[sim.sizeOf[i]].Size())
	}
	return sim
}

// run returns the percentage of hits after the first quarter, scans not counted.
func (sim *simulation) run(scans bool, get func(key string) bool, set func(key string, e *store.Entry)) float64 {
	hits, asked, scanned := 0, 0, 0
	for i := range simRequests {
		if scans && i%scanEvery == scanEvery-1 {
			for range scanLen {
				scanned++
				set("scan"+strconv.Itoa(scanned), sim.entries[sim.sizes.IntN(simSizes)])
			}
		}
		n := sim.zipf.Uint64()
		key := strconv.FormatUint(n, 10)
		hit := get(key)
		if !hit {
			set(key, sim.entries[sim.sizeOf[n]])
		}
		if i >= simRequests/4 {
			asked++
			if hit {
				hits++
			}
		}
	}
	return 100 * float64(hits) / float64(asked)
}

// lru is what to compare with: a plain LRU bounded in bytes.
type lru struct {
	list        *simplelru.LRU[string, *store.Entry]
	bytes, room int64
}

func (l *lru) get(key string) bool {
	_, ok := l.list.Get(key)
	return ok
}

func (l *lru) set(key string, e *store.Entry) {
	l.list.Add(key, e)
	for l.bytes += int64(e.Size()); l.bytes > l.room; {
		_, old, _ := l.list.RemoveOldest()
		l.bytes -= int64(old.Size())
	}
}

// BenchmarkHitRatio reports the percentage of hits beside that of a plain LRU.
func BenchmarkHitRatio(b *testing.B) {
	for _, c := range []struct {
		name     string
		exponent float64
		scans    bool
	}{
		{"Zipf1.01", 1.01, false},
		{"Zipf1.1", 1.1, false},
		{"Zipf1.2", 1.2, false},
		{"Zipf1.1Scans", 1.1, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ours, plain float64
			for b.Loop() {
				sim := newSimulation(b, c.exponent)
				s := open(b, sim.total/10)
				ours = sim.run(c.scans, func(key string) bool {
					_, err := s.Get(b.Context(), key)
					return err == nil
				}, func(key string, e *store.Entry) {
					require.NoError(b, s.Set(b.Context(), key, e))
				})
				sim = newSimulation(b, c.exponent)
				list, err := simplelru.NewLRU[string, *store.Entry](math.MaxInt, nil)
				require.NoError(b, err)
				reference := &lru{list: list, room: sim.total / 10}
				plain = sim.run(c.scans, reference.get, reference.set)
			}
			b.ReportMetric(ours, "%hits")
			b.ReportMetric(plain, "%hits-LRU")
		})
	}
}
