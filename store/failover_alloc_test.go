// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// one is a store that has one entry, whatever the key.
type one struct{ e *store.Entry }

func (o one) Get(context.Context, string) (*store.Entry, error)             { return o.e, nil }
func (o one) GetBytes(context.Context, []byte, int64) (*store.Entry, error) { return o.e, nil }
func (o one) Set(context.Context, string, *store.Entry) error               { return nil }
func (o one) Delete(context.Context, string) error                          { return nil }

// While it is closed a breaker allocates nothing, several members only the context of a share.
func TestFailoverAllocatesNothing(t *testing.T) {
	s := one{entry(t, "k")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	alone, err := store.NewFailover(store.FailoverConfig{}, s)
	require.NoError(t, err)
	key := []byte("k")
	for name, call := range map[string]func(){
		"get":       func() { _, _ = alone.Get(ctx, "k") },
		"get bytes": func() { _, _ = alone.GetBytes(ctx, key, 1) },
		"set":       func() { _ = alone.Set(ctx, "k", s.e) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, call), name)
	}
	two, err := store.NewFailover(store.FailoverConfig{}, s, one{entry(t, "k")})
	require.NoError(t, err)
	share := testing.AllocsPerRun(100, func() {
		_, cancel := context.WithDeadline(ctx, time.Now().Add(time.Minute))
		cancel()
	})
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = two.Get(ctx, "k") }), share)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = two.Get(context.Background(), "k") }))
}

func BenchmarkFailoverGet(b *testing.B) {
	s := one{entry(b, "k")}
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	alone, err := store.NewFailover(store.FailoverConfig{}, s)
	require.NoError(b, err)
	two, err := store.NewFailover(store.FailoverConfig{}, s, one{entry(b, "k")})
	require.NoError(b, err)
	for _, c := range []struct {
		name  string
		store store.Store
		ctx   context.Context
	}{
		{"bare", s, ctx},
		{"one", alone, ctx},
		{"one-without-deadline", alone, context.Background()},
		{"two", two, ctx},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.store.Get(c.ctx, "k")
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					_, _ = c.store.Get(c.ctx, "k")
				}
			})
		})
	}
}
