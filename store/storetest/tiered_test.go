// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/memory"
)

func newMemory(t *testing.T, maxBytes int64) *memory.Store {
	m, err := memory.New(memory.Config{MaxBytes: maxBytes})
	require.NoError(t, err)
	return m
}

func tiered(t *testing.T, tiers ...store.Store) *store.Tiered {
	s, err := store.NewTiered(tiers...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestTieredIsAStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{
		"memory before a map": func(t *testing.T) store.Store { return tiered(t, newMemory(t, 0), newFullStore()) },
		"two maps":            func(t *testing.T) store.Store { return tiered(t, newFullStore(), newFullStore()) },
		"three tiers":         func(t *testing.T) store.Store { return tiered(t, newMemory(t, 0), newFullStore(), newFullStore()) },
		"tiers of tiers": func(t *testing.T) store.Store {
			return tiered(t, newMemory(t, 0), tiered(t, newFullStore(), newFullStore()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, open, storetest.Features{
				ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
			})
		})
	}
}

func page(t *testing.T, key, body string, at time.Time) *store.Entry {
	e, err := store.New(store.Response{
		Key: key, Status: 200, Fields: []store.Field{}, Body: []byte(body), RequestTime: at.UnixNano(), ResponseTime: at.UnixNano(),
		StoreUntil: at.Add(time.Hour).UnixNano(), StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	})
	require.NoError(t, err)
	return e
}

// inBubble runs a test of tiers on a virtual clock. slow can be paused and killed.
func inBubble(t *testing.T, test func(t *testing.T, fast *memory.Store, slow *bytesMap, s *store.Tiered)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBytesMap()
		fast := newMemory(t, 0)
		test(t, fast, b, tiered(t, fast, fromBytes(b, b)()))
	})
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestTieredPromotes(t *testing.T) {
	inBubble(t, func(t *testing.T, fast *memory.Store, slow *bytesMap, s *store.Tiered) {
		e := page(t, "k", "body", time.Now())
		require.NoError(t, fromBytes(slow, slow)().Set(t.Context(), "k", e))
		_, err := s.Get(t.Context(), "k")
		require.NoError(t, err)
		got, err := fast.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, e.StoreUntil(), got.StoreUntil(), "it lives no longer for that")
		slow.Pause()
		defer slow.Resume()
		_, err = s.Get(within(t), "k")
		require.NoError(t, err, "and is found without the slow tier")
	})
}

// A tier that fails hides nothing that others have.
func TestTieredPassesOverFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newBytesMap(), newBytesMap()
		s := tiered(t, fromBytes(one, one)(), fromBytes(two, two)())
		e := page(t, "k", "body", time.Now())
		require.NoError(t, s.Set(t.Context(), "k", e))
		for _, b := range []*bytesMap{one, two} {
			b.Kill()
			got, err := s.Get(within(t), "k")
			require.NoError(t, err)
			require.Equal(t, e.Bytes(), got.Bytes())
			many, err := s.GetMany(within(t), []string{"k"})
			require.NoError(t, err)
			require.NotNil(t, many[0])
			_, err = s.Get(within(t), "absent")
			require.ErrorIs(t, err, errDown, "what nobody has may stand in the one that failed")
			b.Start()
			time.Sleep(time.Second) // its breaker has opened
			_, _ = s.Get(within(t), "absent")
			synctest.Wait()
		}
	})
}

// What a tier failed to take is written once it works again: the newest.
func TestTieredWritesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store, slow *bytesMap, s *store.Tiered) {
		behind := fromBytes(slow, slow)()
		require.NoError(t, s.Set(t.Context(), "deleted", page(t, "deleted", "body", time.Now())))
		slow.Kill()
		for n := range 3 {
			e := page(t, "k", fmt.Sprint("version ", n), time.Now())
			require.Error(t, s.Set(within(t), "k", e), "who sets hears of it")
			time.Sleep(time.Second)
		}
		require.Error(t, s.Delete(within(t), "deleted"))
		got, err := s.Get(within(t), "k")
		require.NoError(t, err)
		require.Equal(t, "version 2", string(got.Body()))
		slow.Start()
		time.Sleep(time.Second)
		got, err = behind.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "version 2", string(got.Body()))
		_, err = behind.Get(t.Context(), "deleted")
		require.ErrorIs(t, err, store.ErrNotFound)

		newer := page(t, "k", "by another process", time.Now())
		slow.Kill()
		require.Error(t, s.Set(within(t), "k", page(t, "k", "older", time.Now().Add(-time.Second))))
		slow.Start()
		require.NoError(t, behind.Set(t.Context(), "k", newer))
		time.Sleep(time.Second)
		got, err = behind.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "by another process", string(got.Body()), "what is newer there stays")
	})
}

// A tier may be too small for an entry that others take.
func TestTieredWithASmallTier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBytesMap()
		fast := newMemory(t, 64<<10)
		s := tiered(t, fast, fromBytes(b, b)())
		small, large := page(t, "k", "small", time.Now()), page(t, "k", string(make([]byte, 200<<10)), time.Now())
		require.NoError(t, s.Set(t.Context(), "k", small))
		require.NoError(t, s.Set(t.Context(), "k", large))
		got, err := s.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, large.Bytes(), got.Bytes())

		enormous := page(t, "k", string(make([]byte, maxValue+1)), time.Now())
		require.ErrorIs(t, s.Set(t.Context(), "k", enormous), store.ErrTooLarge)
		_, err = s.Get(t.Context(), "k")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// Copying into a faster tier that hangs costs readers nothing, and is bounded.
func TestTieredFillsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newBytesMap(), newBytesMap()
		behind := fromBytes(two, two)()
		s := tiered(t, fromBytes(one, one)(), behind)
		for n := range 1000 {
			key := fmt.Sprint(n)
			require.NoError(t, behind.Set(t.Context(), key, page(t, key, "body", time.Now())))
		}
		began := time.Now()
		for n := range 1000 {
			_, err := s.Get(t.Context(), fmt.Sprint(n))
			require.NoError(t, err)
			if n == 10 {
				synctest.Wait()
				one.Pause()
				one.Resume()
			}
		}
		require.Zero(t, time.Since(began))
		synctest.Wait()
		require.NotNil(t, one.Load("0"))
	})
}

func TestTieredMistakes(t *testing.T) {
	_, err := store.NewTiered(newMapStore())
	require.ErrorContains(t, err, "two")
	_, err = store.NewTiered(newMapStore(), nil)
	require.ErrorContains(t, err, "tier 1")
}
