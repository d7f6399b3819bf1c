// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// startTiered starts a process with memory in front of the shared store.
func (f *fleet) startTiered() *process {
	fast, err := memory.New(memory.Config{})
	require.NoError(f.t, err)
	tiers, err := store.NewTiered(fast, f.store)
	require.NoError(f.t, err)
	c, err := holdover.New(holdover.Config{Store: tiers, Journal: f.journal})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, tiers.Close()) })
	time.Sleep(time.Millisecond)
	return &process{c, c.Handler(f.origin)}
}

func TestPurgeReachesMemoryTiers(t *testing.T) {
	for name, purge := range purges {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				f.t = t
				one, two := f.startTiered(), f.startTiered()
				defer f.stop(one, two)
				f.stored(one)
				require.Contains(t, status(get(two.h)), "; hit", "from the shared store")
				require.Contains(t, status(get(two.h)), "; hit", "from its memory")
				f.now(200, "second")
				require.NoError(t, one.Purge(t.Context(), purge))
				require.Equal(t, "second", get(one.h).Body.String())
				time.Sleep(250 * time.Millisecond)
				require.Equal(t, "second", get(two.h).Body.String())
				time.Sleep(time.Second)
				require.Contains(t, status(get(two.h)), "; hit")
				require.Equal(t, "second", get(two.h).Body.String())
			})
		})
	}
}

// A shared store that goes away costs no hit that memory has.
func TestMemoryTierAnswersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.startTiered()
		defer f.stop(one)
		f.stored(one)
		f.store.hang()
		began := time.Now()
		for range 100 {
			require.Contains(t, status(get(one.h)), "; hit")
		}
		require.Zero(t, time.Since(began))
	})
}

// A hit in the first tier allocates as little as one in a memory store.
func TestAllocTieredHit(t *testing.T) {
	f := newFleet(t)
	one := f.startTiered()
	defer f.stop(one)
	f.stored(one)
	require.Zero(t, allocations(newClient(one.h, "GET", page1).ask))
}
