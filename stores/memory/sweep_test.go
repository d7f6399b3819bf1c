// SPDX-License-Identifier: MIT

package memory_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// lasting returns an entry that must be dropped after life.
func lasting(t testing.TB, key string, life time.Duration) *store.Entry {
	t.Helper()
	r := response(key, 100)
	r.StoreUntil = time.Now().Add(life).UnixNano()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}

func TestExpiredEntriesAreNeverReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", 10*time.Second)))
		time.Sleep(10*time.Second - time.Nanosecond)
		_, err := s.Get(t.Context(), "k")
		require.NoError(t, err, "a nanosecond before StoreUntil")
		time.Sleep(time.Nanosecond)
		for range s.Scan(t.Context()) {
			t.Error("an expired entry was yielded")
		}
		require.Equal(t, 1, s.Stats().Entries, "not yet swept")
		_, err = s.Get(t.Context(), "k")
		require.ErrorIs(t, err, store.ErrNotFound, "at StoreUntil")
		require.Zero(t, s.Stats(), "Get gives back the memory, and expiry is no eviction")
	})
}

func TestExpiredEntriesDontCountForConditionalSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", time.Second)))
		older := response("k", 10)
		older.RequestTime -= int64(time.Hour)
		e, err := store.New(older)
		require.NoError(t, err)
		done, err := s.SetIfNewer(t.Context(), "k", e)
		require.NoError(t, err)
		require.False(t, done)
		time.Sleep(time.Second)
		done, err = s.SetIfNewer(t.Context(), "k", e)
		require.NoError(t, err)
		require.True(t, done)
	})
}

func TestSweepDropsTheExpiredAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		for i := range 3000 {
			key := strconv.Itoa(i)
			life := 30 * time.Second
			if i%3 == 0 {
				life = time.Hour
			}
			require.NoError(t, s.Set(t.Context(), key, lasting(t, key, life)))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, 1000, s.Stats().Entries)
		for i := range 3000 {
			_, err := s.Get(t.Context(), strconv.Itoa(i))
			require.Equal(t, i%3 == 0, err == nil)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, s.Stats())
	})
}

// TestSweepComesBack empties the store, so that its timer ends, and fills it again.
func TestSweepComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		for range 3 {
			require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", time.Second)))
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			require.Zero(t, s.Stats().Entries)
		}
	})
}

func TestCloseEndsTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := memory.New(memory.Config{})
		require.NoError(t, err)
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", time.Hour)))
		time.Sleep(time.Minute) // the sweep begins now
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		require.ErrorIs(t, s.Set(t.Context(), "k", lasting(t, "k", time.Hour)), store.ErrClosed)
	})
}

func TestCloseDuringSets(t *testing.T) {
	s, err := memory.New(memory.Config{})
	require.NoError(t, err)
	e := lasting(t, "k", time.Hour)
	ended := make(chan error)
	for range 4 {
		go func() {
			for {
				if err := s.Set(t.Context(), "k", e); err != nil {
					ended <- err
					return
				}
			}
		}()
	}
	time.Sleep(time.Millisecond)
	require.NoError(t, s.Close())
	for range 4 {
		require.ErrorIs(t, <-ended, store.ErrClosed)
	}
	require.Zero(t, s.Stats().Entries)
}
