// SPDX-License-Identifier: MIT

package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

var longAgo = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// After many wrote at the same time, the folder is within its bound and the accounts are
// right.
func TestAccountsAfterManyWriters(t *testing.T) {
	for name, keys := range map[string]int{"many keys": 500, "few keys, all being written": 12} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, file.Config{Dir: dir, MaxBytes: 2 << 20, MaxValue: 400 << 10, Timeout: 20 * time.Second})
			writers, ctx := errgroup.WithContext(t.Context())
			for w := range 32 {
				writers.Go(func() error { return writeMany(ctx, s, w, keys, 25) })
			}
			require.NoError(t, writers.Wait())
			awaitSurvey(t, s)
			requireAccounts(t, s, dir)
			require.LessOrEqual(t, s.Stats().Bytes, int64(2<<20))
			require.Empty(t, temps(t, dir))
		})
	}
}

// writeMany sets, gets and now and then deletes, and fails where it gets wrong bytes.
func writeMany(ctx context.Context, s store.Store, worker, keys, rounds int) error {
	for i := range rounds {
		key := fmt.Sprintf("k%d", (worker*31+i*7)%keys)
		e, err := store.New(response(key, signed(key, i, (worker*7919+i*104729)%(200<<10))))
		if err == nil {
			err = s.Set(ctx, key, e)
		}
		if err == nil && i%10 == 9 {
			err = s.Delete(ctx, key)
		}
		if err != nil {
			return err
		}
		if err := readSigned(ctx, s, fmt.Sprintf("k%d", i%keys)); err != nil {
			return err
		}
	}
	return nil
}

// readSigned passes over a miss, but for one that says that it found something unreadable.
func readSigned(ctx context.Context, s store.Store, key string) error {
	e, err := s.Get(ctx, key)
	if err == store.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return checkSigned(key, e)
}

// requireAccounts compares what the store believes with what is there.
func requireAccounts(t testing.TB, s *file.Store, dir string) {
	t.Helper()
	entries, bytes := onDisk(t, dir)
	require.Equal(t, entries, s.Stats().Entries, "the store knows how many files there are")
	require.Equal(t, bytes, s.Stats().Bytes, "and what they take")
}

// What was found in the folder goes first, the oldest before the others, and what is
// asked for stays longest.
func TestOrderOfEviction(t *testing.T) {
	const maxBytes, each = 1 << 20, 32 << 10 // 28 of them fit with their fields
	dir := t.TempDir()
	for i := range 20 {
		key := fmt.Sprint("old", i)
		save(t, dir, key, entry(t, key, strings.Repeat("x", each)).Bytes(), time.Now().Add(time.Hour))
		at := longAgo.Add(time.Duration(i*7%20) * time.Hour)
		require.NoError(t, os.Chtimes(path(dir, key), at, at))
	}
	s := open(t, file.Config{Dir: dir, MaxBytes: maxBytes})
	awaitSurvey(t, s)
	require.Equal(t, 20, s.Stats().Entries)
	requireBody(t, s, "old0", strings.Repeat("x", each)) // the oldest of all, but in use
	for i := range 18 {
		key := fmt.Sprint("new", i)
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, strings.Repeat("x", each))))
	}
	require.EqualValues(t, 10, s.Stats().Evictions)
	for i := range 20 {
		_, err := os.Stat(path(dir, fmt.Sprint("old", i)))
		if order := i * 7 % 20; i == 0 || order > 10 {
			require.NoError(t, err, "old%d, the %d. in age", i, order)
		} else {
			require.ErrorIs(t, err, os.ErrNotExist, "old%d, the %d. in age", i, order)
		}
	}
	requireAccounts(t, s, dir)
}

// A crawler that asks for everything once doesn't drive out what is asked for again.
func TestScanResistance(t *testing.T) {
	s := open(t, file.Config{MaxBytes: 1 << 20})
	awaitSurvey(t, s)
	set := func(key string) {
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, "body")))
	}
	for i := range 100 {
		set(fmt.Sprint("popular", i))
		requireBody(t, s, fmt.Sprint("popular", i), "body")
	}
	for i := range 1000 {
		set(fmt.Sprint("once", i))
	}
	for i := range 100 {
		requireBody(t, s, fmt.Sprint("popular", i), "body")
	}
}

func TestASmallerBoundAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	s, err := file.New(file.Config{Dir: dir, MaxBytes: 8 << 20})
	require.NoError(t, err)
	awaitSurvey(t, s)
	for i := range 1000 {
		key := fmt.Sprint("k", i)
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, "body")))
	}
	require.NoError(t, s.Close())
	s = open(t, file.Config{Dir: dir, MaxBytes: 1 << 20})
	awaitSurvey(t, s)
	require.Equal(t, file.Stats{Entries: 256, Bytes: 1 << 20, Evictions: 744, Surveyed: true}, s.Stats())
	requireAccounts(t, s, dir)
}

// One file that is larger than any entry may be doesn't make all others go.
func TestAHugeFileMakesNobodyGo(t *testing.T) {
	dir := t.TempDir()
	for i := range 100 {
		key := fmt.Sprint("k", i)
		save(t, dir, key, entry(t, key, "body").Bytes(), time.Now().Add(time.Hour))
		require.NoError(t, os.Chtimes(path(dir, key), longAgo, longAgo))
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path(dir, "huge")), 0o700))
	require.NoError(t, os.WriteFile(path(dir, "huge"), nil, 0o600))
	require.NoError(t, os.Truncate(path(dir, "huge"), 1<<40))
	s := open(t, file.Config{Dir: dir, MaxBytes: 1 << 20})
	awaitSurvey(t, s)
	require.Equal(t, file.Stats{Entries: 100, Bytes: 400 << 10, Evictions: 1, Surveyed: true}, s.Stats())
	require.NoFileExists(t, path(dir, "huge"), "it could never be within the bound")
}
