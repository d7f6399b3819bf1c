// SPDX-License-Identifier: MIT

package memcached_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/memcached"
)

// leaseGrain is how much later than asked a lease may end: it says itself when, by the millisecond.
const leaseGrain = 5 * time.Millisecond

// unhurried is patient with a busy machine.
var unhurried = memcached.Config{Timeout: 5 * time.Second}

func leaseName(prefix, key string) string {
	hash := store.HashKey(key)
	return prefix + base64.RawURLEncoding.EncodeToString(hash[:]) + ":lease"
}

func TestLeases(t *testing.T) {
	server := testserver.Memcached(t)
	leases := func(t *testing.T) store.Store { return open(t, unhurried, server.Addr()) }
	storetest.RunLease(t, leases, storetest.LeaseFeatures{
		Grain: leaseGrain, Server: server,
		Reopen: func(t *testing.T, _ store.Store) store.Store { return leases(t) },
	})
}

func TestLeasesOnSeveralServers(t *testing.T) {
	addrs := []string{testserver.Memcached(t).Addr(), testserver.Memcached(t).Addr(), testserver.Memcached(t).Addr()}
	one, two := open(t, unhurried, addrs...), open(t, unhurried, addrs...)
	for key := range strings.SplitSeq("a b c d e f g h i j", " ") {
		holder := store.NewHolder()
		for _, s := range []*memcached.Store{one, one, two} {
			got, err := s.Lease(t.Context(), key, holder, time.Minute)
			require.NoError(t, err)
			require.Equal(t, holder, got)
		}
		got, err := two.Lease(t.Context(), key, store.NewHolder(), time.Minute)
		require.NoError(t, err)
		require.Equal(t, holder, got)
	}
}

// The longest prefix leaves room for the name of a lease.
func TestLeaseUnderTheLongestPrefix(t *testing.T) {
	s := open(t, memcached.Config{Prefix: strings.Repeat("p", 218)}, testserver.Memcached(t).Addr())
	holder := store.NewHolder()
	got, err := s.Lease(t.Context(), strings.Repeat("k", store.MaxKeyLen), holder, time.Minute)
	require.NoError(t, err)
	require.Equal(t, holder, got)
	require.NoError(t, s.Release(t.Context(), strings.Repeat("k", store.MaxKeyLen), holder, store.Holder{}, 0))
}

// What stands in the place of a lease and isn't one is left alone, and the lease fails.
func TestLeaseBesideSomethingElse(t *testing.T) {
	server := testserver.Memcached(t)
	s := open(t, memcached.Config{Codec: store.Plain, MaxValue: 1000}, server.Addr())
	client := memcache.New(server.Addr())
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	for _, n := range []int{0, 15, 17, 2000} {
		theirs := &memcache.Item{Key: leaseName("holdover:", "key"), Value: make([]byte, n)}
		require.NoError(t, client.Set(theirs))
		_, leased := s.Lease(t.Context(), "key", store.NewHolder(), time.Second)
		released := s.Release(t.Context(), "key", store.NewHolder(), store.LeaseFailed, time.Second)
		for _, err := range []error{leased, released} {
			var failure *store.Error
			require.ErrorAs(t, err, &failure, n)
			require.ErrorContains(t, err, "isn't one", n)
			require.NotErrorIs(t, err, store.ErrNotFound, n)
		}
		item, err := client.Get(theirs.Key)
		require.NoError(t, err)
		require.Equal(t, theirs.Value, item.Value)
	}
}

// Connections that broke while they were idle cost no lease, nor do they let a holder take
// its own lease for another's.
func TestLeaseOverBrokenConnections(t *testing.T) {
	server := testserver.Memcached(t)
	s, holder := open(t, unhurried, server.Addr()), store.NewHolder()
	for range 3 {
		got, err := s.Lease(t.Context(), "key", holder, time.Minute)
		require.NoError(t, err)
		require.Equal(t, holder, got)
		server.Restart()
		require.NoError(t, s.Release(t.Context(), "key", holder, store.Holder{}, 0))
		server.Restart()
	}
}
