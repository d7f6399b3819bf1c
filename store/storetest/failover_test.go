// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/file"
	"github.com/holdover-go/holdover/stores/memory"
)

// remote is a store in memory that behaves as if it were elsewhere.
type remote struct{ *memory.Store }

func (remote) Local() bool { return false }

func newRemote(t *testing.T) store.Store { return remote{newMemory(t, 0)} }

func newFile(t *testing.T) store.Store {
	s, err := file.New(file.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	return s
}

func failover(t *testing.T, members ...store.Store) *store.Failover {
	f, err := store.NewFailover(store.FailoverConfig{}, members...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func TestFailoverIsAStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{
		"a breaker":         func(t *testing.T) store.Store { return failover(t, newRemote(t)) },
		"two in memory":     func(t *testing.T) store.Store { return failover(t, newRemote(t), newRemote(t)) },
		"file, memory":      func(t *testing.T) store.Store { return failover(t, newFile(t), newMemory(t, 0)) },
		"maps":              func(t *testing.T) store.Store { return failover(t, newFullStore(), newFullStore(), newFullStore()) },
		"one that is local": func(t *testing.T) store.Store { return failover(t, newMemory(t, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, open, failoverPowers)
		})
	}
}

func TestTiersOverFailover(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return tiered(t, newMemory(t, 0), failover(t, newRemote(t), newFile(t)))
	}, storetest.Features{
		ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
	})
}

// The first member came back: what it has from before, or doesn't have, is looked for twice.
func TestFailoverIsAStoreAfterAReturn(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		one := newGated()
		f := failover(t, one, newRemote(t))
		one.get.is(func(context.Context, *store.Entry) error { return errDown })
		for f.States()[0] != store.Open {
			_, _ = f.Get(t.Context(), "k")
		}
		one.get.is(nil)
		for began := time.Now(); f.States()[0] != store.Closed; {
			require.Less(t, time.Since(began), 5*time.Second)
			_, _ = f.Get(t.Context(), "k")
		}
		return f
	}, failoverPowers)
}

// oneByOne makes writes on a condition atomic, as a server does.
type oneByOne struct {
	store.Store
	mu *sync.Mutex
}

func (o oneByOne) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return store.SetIfAbsent(ctx, o.Store, key, e)
}

func (o oneByOne) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return store.SetIfNewer(ctx, o.Store, key, e)
}

// A store behind a breaker gets over all that its server does, if not at once.
func TestFailoverOfServers(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, s store.Store) store.Store{
		"one":               func(t *testing.T, s store.Store) store.Store { return failover(t, s) },
		"two on one server": func(t *testing.T, s store.Store) store.Store { return failover(t, s, again{s}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBytesMap()
			f := failoverPowers
			f.Recovery, f.Server, f.Scanner = 2500*time.Millisecond, b, false
			f.Raw = func(*testing.T, store.Store) storetest.Raw { return b }
			storetest.Run(t, func(t *testing.T) store.Store { return open(t, oneByOne{fromBytes(b, b)(), new(sync.Mutex)}) }, f)
		})
	}
}

var failoverPowers = storetest.Features{
	BytesGetter: true, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
}

// again is a second way to the same store.
type again struct{ store.Store }
