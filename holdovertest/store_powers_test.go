// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/file"
	"github.com/holdover-go/holdover/stores/memory"
)

func newFile(t *testing.T) *file.Store {
	f, err := file.New(file.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func TestStoreIsAStore(t *testing.T) {
	powers := storetest.Features{
		BytesGetter: true, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
	}
	for name, f := range map[string]holdovertest.StoreFaults{
		"without faults": {}, "with delays": {Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) store.Store { return newStore(t, f) }, powers)
		})
		t.Run("leases "+name, func(t *testing.T) {
			t.Parallel()
			storetest.RunLease(t, func(t *testing.T) store.Store { return newStore(t, f) }, storetest.LeaseFeatures{})
		})
		t.Run("journal "+name, func(t *testing.T) {
			t.Parallel()
			storetest.RunJournal(t, func(t *testing.T) store.Journal {
				s := holdovertest.NewStore(newFile(t), 1)
				s.Behave(f)
				j, err := store.JournalOf(s)
				require.NoError(t, err)
				return j
			}, storetest.JournalFeatures{})
		})
	}
	t.Run("journal in small pieces", func(t *testing.T) {
		storetest.RunJournal(t, func(*testing.T) store.Journal {
			s := newStore(t, holdovertest.StoreFaults{Partial: 0.5})
			return s.Journal(memory.NewJournal())
		}, storetest.JournalFeatures{})
	})
}

// What is done in part says nothing.
func TestStoreDoesItInPart(t *testing.T) {
	ctx := t.Context()
	s := newStore(t, holdovertest.StoreFaults{})
	var keys []string
	for n := range 100 {
		key := fmt.Sprint("key ", n)
		keys = append(keys, key, "absent "+key)
		require.NoError(t, s.Set(ctx, key, entry(t, key)))
	}
	s.Behave(holdovertest.StoreFaults{Partial: 1})

	_, err := s.Get(ctx, keys[0])
	require.ErrorIs(t, err, store.ErrNotFound)
	many, err := s.GetMany(ctx, keys)
	require.NoError(t, err)
	require.Len(t, many, len(keys))
	there := slices.DeleteFunc(many, func(e *store.Entry) bool { return e == nil })
	require.Len(t, there, 50)

	yielded := 0
	for e, err := range s.Scan(ctx) {
		if err != nil {
			require.ErrorIs(t, err, holdovertest.ErrFault, "a scan that ends early says so")
			require.Nil(t, e)
			continue
		}
		yielded++
	}
	require.Less(t, yielded, 16)

	require.NoError(t, s.Set(ctx, "new", entry(t, "new")))
	require.NoError(t, s.Delete(ctx, keys[0]))
	done, err := s.SetIfNewer(ctx, "newer", entry(t, "newer"))
	require.NoError(t, err)
	require.True(t, done)
	require.NoError(t, s.Ping(ctx))
	require.Equal(t, 6, s.Faults(""), "all but the ping")
	s.Behave(holdovertest.StoreFaults{})
	for key, stands := range map[string]bool{"new": false, "newer": false, keys[0]: true} {
		_, err = s.Get(ctx, key)
		require.Equal(t, stands, err == nil, key)
	}
}

func TestStoreLeasesInPart(t *testing.T) {
	ctx := t.Context()
	s := newStore(t, holdovertest.StoreFaults{Partial: 1})
	l, err := store.LeaserOf(s)
	require.NoError(t, err)
	one, two := store.NewHolder(), store.NewHolder()
	for _, h := range []store.Holder{one, two} {
		has, err := l.Lease(ctx, "key", h, time.Hour)
		require.NoError(t, err)
		require.Equal(t, h, has, "both believe to have it")
	}
	s.Behave(holdovertest.StoreFaults{})
	has, err := l.Lease(ctx, "key", two, time.Hour)
	require.NoError(t, err)
	require.Equal(t, two, has)
	s.Behave(holdovertest.StoreFaults{Partial: 1})
	require.NoError(t, l.Release(ctx, "key", two, store.Holder{}, 0))
	s.Behave(holdovertest.StoreFaults{})
	has, err = l.Lease(ctx, "key", one, time.Hour)
	require.NoError(t, err)
	require.Equal(t, two, has, "it wasn't released")
}

// bare has no optional power.
type bare struct{ store.Store }

// A store that is wrapped loses no power and gains none that matters.
func TestStoreHidesNothing(t *testing.T) {
	s := holdovertest.NewStore(bare{newMemory(t)}, 1)
	require.False(t, store.IsLocal(holdovertest.NewStore(newMemory(t), 1)))
	_, err := store.JournalOf(s)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = store.LeaserOf(s)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Nil(t, store.JournalsOf(s))
	require.Nil(t, store.Behind(s))
	for _, err := range store.Scan(t.Context(), s) {
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	require.NoError(t, store.Close(s))
	done, err := s.SetIfAbsent(t.Context(), "key", entry(t, "key"))
	require.NoError(t, err)
	require.True(t, done)
	_, err = store.GetBytes(t.Context(), s, []byte("key"))
	require.NoError(t, err)
}

// All journals of a failover have the faults, and what stands behind a tier.
func TestStoreOfSeveral(t *testing.T) {
	failover, err := store.NewFailover(store.FailoverConfig{}, newFile(t), newFile(t))
	require.NoError(t, err)
	tiers, err := store.NewTiered(newMemory(t), failover)
	require.NoError(t, err)
	s := holdovertest.NewStore(tiers, 1)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Set(t.Context(), "key", entry(t, "key")))
	s.Behave(holdovertest.StoreFaults{Errors: 1})

	require.Equal(t, store.Store(s), store.FastOf(s), "nobody asks the first tier without the faults")
	behind := store.Behind(s)
	_, err = behind.Get(t.Context(), "key")
	require.ErrorIs(t, err, holdovertest.ErrFault)
	journals := store.JournalsOf(s)
	require.Len(t, journals, 2)
	for _, j := range journals {
		_, err := j.Read(t.Context(), store.Position{})
		require.ErrorIs(t, err, holdovertest.ErrFault)
		require.Implements(t, (*store.Merger)(nil), j)
		j.(store.Merger).Merged(time.Now())
	}
	require.Equal(t, 2, s.Calls(holdovertest.OpRead))
	s.Behave(holdovertest.StoreFaults{})
	e, err := behind.Get(t.Context(), "key")
	require.NoError(t, err)
	require.Equal(t, "key", e.Key())
}
