// SPDX-License-Identifier: MIT

package memory_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

const benchKeys = 1 << 16

func benchKey(i int) string {
	return fmt.Sprintf("GET https://www.example.com/catalogue/books/%d?sort=title", i)
}

// zipfKeys returns keys in the order in which a Zipf-distributed load asks.
func zipfKeys(n int) [][]byte {
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, benchKeys-1)
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = []byte(benchKey(int(zipf.Uint64())))
	}
	return keys
}

func filled(b *testing.B) *memory.Store {
	s := open(b, 1<<30)
	for i := range benchKeys {
		require.NoError(b, s.Set(b.Context(), benchKey(i), entry(b, benchKey(i), 1<<10)))
	}
	return s
}

func BenchmarkGetBytes(b *testing.B) {
	s, keys := filled(b), zipfKeys(1<<16)
	ctx, i := b.Context(), 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetBytes(ctx, keys[i&(1<<16-1)], time.Now().UnixNano()); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkGetBytesOne(b *testing.B) {
	s, key := filled(b), []byte(benchKey(7))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetBytes(ctx, key, time.Now().UnixNano()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetBytesParallel(b *testing.B) {
	s, keys := filled(b), zipfKeys(1<<16)
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(1 << 16); pb.Next(); i++ {
			if _, err := s.GetBytes(ctx, keys[i&(1<<16-1)], time.Now().UnixNano()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSetEvicting(b *testing.B) {
	s, err := memory.New(memory.Config{MaxBytes: 32 << 20})
	require.NoError(b, err)
	defer s.Close()
	entries := make([]*store.Entry, benchKeys)
	keys := make([]string, benchKeys)
	for i := range entries {
		keys[i] = benchKey(i)
		entries[i] = entry(b, keys[i], 1<<10)
	}
	ctx, i := b.Context(), 0
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Set(ctx, keys[i%benchKeys], entries[i%benchKeys]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkCollect reports what a million entries cost the garbage collector.
func BenchmarkCollect(b *testing.B) {
	const n = 1_000_000
	s := open(b, 4<<30)
	var empty, full runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&empty)
	encoded := 0
	for i := range n {
		e := entry(b, benchKey(i), 512)
		encoded += e.Size()
		require.NoError(b, s.Set(b.Context(), benchKey(i), e))
	}
	runtime.GC()
	runtime.ReadMemStats(&full)
	rounds := 0
	began := time.Now()
	for b.Loop() {
		runtime.GC()
		rounds++
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds())/float64(rounds), "ms/GC")
	b.ReportMetric(float64(int(full.HeapAlloc-empty.HeapAlloc)-encoded)/n, "overhead-B/entry")
	b.ReportMetric(float64(int(s.Stats().Bytes)-encoded)/n, "counted-B/entry")
	runtime.KeepAlive(s)
}
