// SPDX-License-Identifier: MIT

package redis_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/redis"
)

// leaseGrain is how much later than asked a lease may end: Redis counts in milliseconds.
const leaseGrain = 2 * time.Millisecond

func leaseName(key string) string { return name(key) + ":lease" }

func TestLeases(t *testing.T) {
	server := testserver.Redis(t)
	resp2 := option(server)
	resp2.AlwaysRESP2 = true
	for name, opt := range map[string]rueidis.ClientOption{"RESP3": option(server), "RESP2": resp2} {
		t.Run(name, func(t *testing.T) {
			storetest.RunLease(t, func(t *testing.T) store.Store { return open(t, opt) }, storetest.LeaseFeatures{
				Grain: leaseGrain, Server: server,
				Reopen: func(t *testing.T, _ store.Store) store.Store { return open(t, opt) },
			})
		})
	}
}

// Leases end by themselves also on a server that writes what it holds to the disk.
func TestLeasesOfAServerThatKeepsThem(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	storetest.RunLease(t, func(t *testing.T) store.Store { return open(t, option(server)) },
		storetest.LeaseFeatures{Grain: leaseGrain, Server: server})
}

// Each lease is on the node that its name belongs to.
func leasesOnCluster(t *testing.T, nodes []node) {
	opt := clusterOption(nodes)
	storetest.RunLease(t, func(t *testing.T) store.Store { return open(t, opt) }, storetest.LeaseFeatures{
		Grain: leaseGrain, Reopen: func(t *testing.T, _ store.Store) store.Store { return open(t, opt) },
	})
	s, holder := open(t, opt), store.NewHolder()
	for i := range 100 {
		got, err := s.Lease(t.Context(), strconv.Itoa(i), holder, time.Minute)
		require.NoError(t, err)
		require.Equal(t, holder, got)
	}
	for _, n := range nodes {
		require.Contains(t, n.tell("KEYS", "*:lease"), "holdover:")
	}
}

// Stores with other prefixes have other leases.
func TestLeasesByPrefix(t *testing.T) {
	opt := option(testserver.Redis(t))
	for _, prefix := range []string{"a:", "b:", "{c}:", `odd [*?\^] 日本 `} {
		s, err := redis.Open(opt, redis.Config{Prefix: prefix, Timeout: cfg.Timeout})
		require.NoError(t, err)
		holder := store.NewHolder()
		got, err := s.Lease(t.Context(), "key", holder, time.Minute)
		require.NoError(t, err)
		require.Equal(t, holder, got)
		require.NoError(t, s.Close())
	}
}

// What stands in the place of a lease and isn't one is left alone, and the lease fails.
func TestLeaseBesideSomethingElse(t *testing.T) {
	opt := option(testserver.Redis(t))
	s, admin := open(t, opt), client(t, opt)
	b := admin.B()
	lease := leaseName("key")
	for what, put := range map[string]rueidis.Completed{
		"a list":       b.Rpush().Key(lease).Element("theirs").Build(),
		"a hash":       b.Hset().Key(lease).FieldValue().FieldValue("their", "s").Build(),
		"no name":      b.Set().Key(lease).Value("").Build(),
		"a short name": b.Set().Key(lease).Value("fifteen bytes..").Build(),
		"a long name":  b.Set().Key(lease).Value("seventeen bytes..").Build(),
	} {
		require.NoError(t, admin.Do(t.Context(), put).Error())
		before, err := admin.Do(t.Context(), admin.B().Dump().Key(lease).Build()).ToString()
		require.NoError(t, err)
		_, leased := s.Lease(t.Context(), "key", store.NewHolder(), time.Second)
		released := s.Release(t.Context(), "key", store.NewHolder(), store.LeaseFailed, time.Second)
		for _, err := range []error{leased, released} {
			var failure *store.Error
			require.ErrorAs(t, err, &failure, what)
			require.ErrorContains(t, err, "isn't one", what)
			require.NotErrorIs(t, err, store.ErrNotFound, what)
		}
		after, err := admin.Do(t.Context(), admin.B().Dump().Key(lease).Build()).ToString()
		require.NoError(t, err)
		require.Equal(t, before, after, what)
		require.NoError(t, admin.Do(t.Context(), admin.B().Del().Key(lease).Build()).Error())
	}
}

// Nothing is left that the server wouldn't drop by itself.
func TestLeasesAlwaysEnd(t *testing.T) {
	opt := option(testserver.Redis(t))
	s, admin := open(t, opt), client(t, opt)
	life := func(key string) int64 {
		ms, err := admin.Do(t.Context(), admin.B().Pttl().Key(leaseName(key)).Build()).AsInt64()
		require.NoError(t, err)
		return ms
	}
	holder := store.NewHolder()
	for _, d := range []time.Duration{time.Minute, time.Hour, time.Second} {
		_, err := s.Lease(t.Context(), "key", holder, d)
		require.NoError(t, err)
		require.InDelta(t, d.Milliseconds(), life("key"), 500)
	}
	require.NoError(t, s.Release(t.Context(), "key", holder, store.LeaseFailed, time.Minute))
	require.InDelta(t, time.Minute.Milliseconds(), life("key"), 500)

	_, err := s.Lease(t.Context(), "no time", holder, time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Release(t.Context(), "no time", holder, store.LeaseFailed, 0))
	require.EqualValues(t, -2, life("no time"), "a note for no time is none")
	for _, d := range []time.Duration{0, -time.Hour, 1} {
		_, err := s.Lease(t.Context(), "no time", holder, d)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return life("no time") == -2 }, 10*time.Second, time.Millisecond)
	}
}

// The rights that the package's documentation names are enough for leases.
func TestLeastRightsForLeases(t *testing.T) {
	s := open(t, restricted(t, testserver.Redis(t), "+eval", "+get", "+set", "+del"))
	holder := store.NewHolder()
	for _, note := range []store.Holder{{}, store.LeaseFailed} {
		got, err := s.Lease(t.Context(), "key", holder, time.Second)
		require.NoError(t, err)
		require.Equal(t, holder, got)
		require.NoError(t, s.Release(t.Context(), "key", holder, note, time.Second))
	}

	bare := open(t, restricted(t, testserver.Redis(t), "+@all", "-@scripting"))
	_, err := bare.Lease(t.Context(), "secret=hunter2", holder, time.Second)
	require.ErrorContains(t, err, "NOPERM")
	require.NotContains(t, err.Error(), "hunter2")
}
