// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// entry returns one that must be kept for an hour, newer than all before.
func entry(t testing.TB, key, body string) *store.Entry {
	t.Helper()
	now := time.Now()
	e, err := store.New(store.Response{
		Key: key, Status: 200, Body: []byte(body),
		RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(), StoreUntil: now.Add(time.Hour).UnixNano(),
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	})
	require.NoError(t, err)
	return e
}

// expect fails unless exactly this entry stands under its key.
func expect(t testing.TB, s store.Store, e *store.Entry) {
	t.Helper()
	got, err := s.Get(t.Context(), e.Key())
	require.NoError(t, err)
	require.Equal(t, e.Bytes(), got.Bytes())
}

// scanned returns the keys of all entries, each as often as it was yielded.
func scanned(t testing.TB, s store.Store) (keys []string) {
	t.Helper()
	for e, err := range store.Scan(t.Context(), s) {
		require.NoError(t, err)
		keys = append(keys, e.Key())
	}
	return keys
}

// within calls f with a deadline of its own.
func within[T any](t testing.TB, d time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return f(ctx)
}
