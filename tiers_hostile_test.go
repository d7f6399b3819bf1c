// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// remote is a store that isn't in this process.
type elsewhere struct{ s *memory.Store }

func (r elsewhere) Get(ctx context.Context, k string) (*store.Entry, error) { return r.s.Get(ctx, k) }
func (r elsewhere) Set(ctx context.Context, k string, e *store.Entry) error {
	return r.s.Set(ctx, k, e)
}
func (r elsewhere) Delete(ctx context.Context, k string) error { return r.s.Delete(ctx, k) }

func tieredFleet(t *testing.T) (newProcess func() *holdover.Cache) {
	shared, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { shared.Close() })
	j := memory.NewJournal()
	return func() *holdover.Cache {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		s, err := store.NewTiered(m, elsewhere{shared})
		require.NoError(t, err)
		t.Cleanup(func() { m.Close() })
		return newCache(t, holdover.Config{Store: s, Journal: j})
	}
}

// What another process has fetched anew is hidden by the own memory's stale copy.
func TestTiersStaleInFrontOfFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		process := tieredFleet(t)
		a, b := process(), process()
		o := newOrigin(answer(200, "v1", "Cache-Control", "max-age=60"))
		ha, hb := a.Handler(o), b.Handler(o)
		get(ha)
		time.Sleep(time.Second)
		get(hb)
		require.EqualValues(t, 1, o.calls.Load(), "b finds it in the shared store")
		time.Sleep(2 * time.Minute)
		o.set(answer(200, "v2", "Cache-Control", "max-age=60"))
		require.Equal(t, "v2", get(ha).Body.String())
		time.Sleep(time.Second)
		require.Equal(t, "v2", get(hb).Body.String())
		require.EqualValues(t, 2, o.calls.Load(), "a fresh copy stands in the shared store")
	})
}

// The same after a purge, while the origin fails.
func TestTiersPurgedInFrontOfFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		process := tieredFleet(t)
		a, b := process(), process()
		o := newOrigin(answer(200, "v1", "Cache-Control", "max-age=6000"))
		ha, hb := a.Handler(o), b.Handler(o)
		get(ha)
		time.Sleep(time.Second)
		get(hb)
		o.set(answer(200, "v2", "Cache-Control", "max-age=6000"))
		purge(t, a, holdover.PurgeRequest{URL: page1})
		time.Sleep(time.Second)
		require.Equal(t, "v2", get(ha).Body.String())
		time.Sleep(time.Second)
		o.set(answer(503, "down"))
		w := get(hb)
		require.Equal(t, "v2", w.Body.String(), w.Header().Get("Cache-Status"))
	})
}
