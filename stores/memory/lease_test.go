// SPDX-License-Identifier: MIT

package memory_test

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/memory"
)

func TestLeases(t *testing.T) {
	storetest.RunLease(t, func(t *testing.T) store.Store { return open(t, 0) }, storetest.LeaseFeatures{})
}

func TestLeasesEndOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, one, two := open(t, 0), store.Holder{1}, store.Holder{2}
		asks := func(holder, want store.Holder, d time.Duration) {
			t.Helper()
			got, err := s.Lease(t.Context(), "k", holder, d)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		asks(one, one, time.Second)
		time.Sleep(time.Second - time.Nanosecond)
		asks(two, one, time.Second)
		asks(one, one, 2*time.Second)
		time.Sleep(2*time.Second - time.Nanosecond)
		asks(two, one, time.Second)
		time.Sleep(time.Nanosecond)
		asks(two, two, time.Second)
		require.NoError(t, s.Release(t.Context(), "k", two, store.LeaseUnshared, time.Second))
		time.Sleep(time.Second - time.Nanosecond)
		asks(one, store.LeaseUnshared, time.Second)
		time.Sleep(time.Nanosecond)
		asks(one, one, time.Second)
	})
}

// A lease is given for as long as was asked; that of no time is over at once.
func TestLeaseForNoTime(t *testing.T) {
	s := open(t, 0)
	for _, d := range []time.Duration{0, -time.Hour} {
		for range 2 {
			holder := store.NewHolder()
			got, err := s.Lease(t.Context(), "k", holder, d)
			require.NoError(t, err)
			require.Equal(t, holder, got)
		}
	}
}

// However many are asked for, under however long keys, leases take a few megabytes.
func TestLeasesAreBounded(t *testing.T) {
	s := open(t, 0)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 300_000 {
		holder := store.NewHolder()
		got, err := s.Lease(t.Context(), strconv.Itoa(i), holder, time.Hour)
		require.NoError(t, err)
		if got != holder {
			require.Equal(t, holder, got)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20))
	kept := 0
	for i := range 300_000 {
		got, err := s.Lease(t.Context(), strconv.Itoa(i), store.Holder{1}, 0)
		require.NoError(t, err)
		if got != (store.Holder{1}) {
			kept++
		}
	}
	require.Less(t, kept, 1<<16+1)
	require.Greater(t, kept, 1<<15)
	runtime.KeepAlive(s)
}

// Those that have ended make room for others.
func TestEndedLeasesGoFirst(t *testing.T) {
	s, lasting := open(t, 0), store.NewHolder()
	_, err := s.Lease(t.Context(), "lasting", lasting, time.Hour)
	require.NoError(t, err)
	for i := range 300_000 {
		_, err := s.Lease(t.Context(), strconv.Itoa(i), store.Holder{1}, time.Nanosecond)
		require.NoError(t, err)
	}
	got, err := s.Lease(t.Context(), "lasting", store.Holder{1}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, lasting, got)
}

func TestLeaseAfterClose(t *testing.T) {
	s, err := memory.New(memory.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = s.Lease(t.Context(), "k", store.NewHolder(), time.Second)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Release(t.Context(), "k", store.NewHolder(), store.Holder{}, 0), store.ErrClosed)
}
