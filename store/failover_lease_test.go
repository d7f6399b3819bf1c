// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// leasing is a server that leases every key to whoever asks.
type leasing struct {
	*server
	name store.Holder
}

func (l leasing) Lease(ctx context.Context, key string, holder store.Holder, _ time.Duration) (store.Holder, error) {
	return l.name, l.begin(ctx, false, key)
}

func (l leasing) Release(ctx context.Context, key string, _, _ store.Holder, _ time.Duration) error {
	return l.begin(ctx, false, key)
}

func TestFailoverLeases(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := leasing{newServer(), store.Holder{1}}, leasing{newServer(), store.Holder{2}}
		f := over(t, store.FailoverConfig{}, a, b, newServer())
		l, err := store.LeaserOf(f)
		require.NoError(t, err)
		who := func() (store.Holder, error) {
			return l.Lease(t.Context(), "k", store.NewHolder(), time.Second)
		}
		has, err := who()
		require.NoError(t, err)
		require.Equal(t, a.name, has)
		require.NoError(t, l.Release(t.Context(), "k", has, store.Holder{}, 0))
		a.does(panics, nil)
		for range 10 {
			_, err = who()
			require.ErrorContains(t, err, "panicked")
		}
		require.Equal(t, store.Closed, f.States()[0])
		breaks(t, f, a.server)
		has, err = who()
		require.NoError(t, err)
		require.Equal(t, b.name, has)
		b.does(fails, fails)
		for range 3 {
			_, _, _ = get(t, f, "k")
		}
		_, err = who()
		require.ErrorIs(t, err, errors.ErrUnsupported, "the third one has none")
		tiers, err := store.NewTiered(&near{newBare(), true}, over(t, store.FailoverConfig{}, b))
		require.NoError(t, err)
		_, err = store.LeaserOf(tiers)
		require.NoError(t, err)
		require.NoError(t, tiers.Close())
		_, err = store.LeaserOf(over(t, store.FailoverConfig{}, newServer()))
		require.ErrorIs(t, err, errors.ErrUnsupported)
	})
}
