// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
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

// lender is a store that leases, and gives those leases too that were asked for while it hung.
type lender struct {
	*server
	mu     sync.Mutex
	held   map[string]store.Holder
	hung   bool
	queued []func()
}

func (s *lender) Lease(ctx context.Context, key string, holder store.Holder, _ time.Duration) (store.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	take := func() {
		if s.held[key] == (store.Holder{}) {
			s.held[key] = holder
		}
	}
	if s.hung {
		s.queued = append(s.queued, take)
		return store.Holder{}, context.DeadlineExceeded
	}
	take()
	return s.held[key], nil
}

func (s *lender) Release(_ context.Context, key string, holder, _ store.Holder, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key] == holder {
		delete(s.held, key)
	}
	return nil
}

func (s *lender) goesOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.queued {
		f()
	}
	s.queued, s.hung = nil, false
}

// A lease that a store gives when it goes on, to a caller that has long gone, is given back.
func TestFailoverFreesOrphanedLeases(t *testing.T) {
	for name, reads := range map[string]bool{"opened": true, "not even opened": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := &lender{server: newServer(), held: map[string]store.Holder{}, hung: true}
				f := over(t, store.FailoverConfig{}, s)
				l, err := store.LeaserOf(f)
				require.NoError(t, err)
				_, err = l.Lease(about(t, 50*ms), "k", store.NewHolder(), time.Second)
				require.Error(t, err)
				if reads {
					breaks(t, f, s.server)
				}
				s.goesOn()
				if reads {
					returns(t, f, s.server)
				} else {
					_, err = l.Lease(about(t, 50*ms), "other", store.NewHolder(), time.Second)
					require.NoError(t, err)
				}
				synctest.Wait()
				mine := store.NewHolder()
				has, err := l.Lease(about(t, 50*ms), "k", mine, time.Second)
				require.NoError(t, err)
				require.Equal(t, mine, has)
			})
		})
	}
}
