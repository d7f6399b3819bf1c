// SPDX-License-Identifier: MIT

package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// A bubble fails if a goroutine is left when its test ends.
func TestCloseEndsAllGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := file.New(file.Config{Dir: t.TempDir()})
		require.NoError(t, err)
		ended := make(chan error)
		for range 4 {
			go func() {
				e := entry(t, "k", "body")
				for {
					err := s.Set(t.Context(), "k", e)
					if _, getErr := s.Get(t.Context(), "k"); err == nil && getErr != nil {
						err = getErr
					}
					if err != nil {
						ended <- err
						return
					}
				}
			}()
		}
		for range 1000 {
			_, _ = s.Get(t.Context(), "k") // some time passes
		}
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		for range 4 {
			require.ErrorIs(t, <-ended, store.ErrClosed)
		}
	})
}

func TestClosed(t *testing.T) {
	dir := t.TempDir()
	s, err := file.New(file.Config{Dir: dir})
	require.NoError(t, err)
	e := entry(t, "k", "body")
	require.NoError(t, s.Set(t.Context(), "k", e))
	require.NoError(t, s.Close())
	_, err = s.Get(t.Context(), "k")
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.SetIfAbsent(t.Context(), "k", e)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.SetIfNewer(t.Context(), "k", e)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Set(t.Context(), "k", e), store.ErrClosed)
	require.ErrorIs(t, s.Delete(t.Context(), "k"), store.ErrClosed)
	require.ErrorIs(t, s.Ping(t.Context()), store.ErrClosed)
	for _, err := range s.Scan(t.Context()) {
		require.ErrorIs(t, err, store.ErrClosed)
	}
	require.FileExists(t, path(dir, "k"), "the entries stay")
	require.Empty(t, temps(t, dir))
}

// Errors say what is wrong, and neither key nor path.
func TestErrorsNameNoKeys(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	key := "GET https://example.com/?token=secret"
	name := filepath.Base(path(dir, key))
	require.NoError(t, os.MkdirAll(filepath.Join(path(dir, key), "full"), 0o700))
	for _, err := range []error{s.Set(t.Context(), key, entry(t, key, "body")), s.Delete(t.Context(), key)} {
		require.Error(t, err)
		failure, ok := errors.AsType[*store.Error](err)
		require.True(t, ok)
		require.Equal(t, "file", failure.Store)
		for _, hidden := range []string{"secret", name, dir} {
			require.NotContains(t, err.Error(), hidden)
		}
	}
}

// It does I/O, which may hang: the cache must not call it without a deadline.
func TestIsNotLocal(t *testing.T) { require.False(t, store.IsLocal(open(t, file.Config{}))) }

// The time that a scan takes isn't bounded where the caller doesn't, only its steps are.
func TestLongScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, file.Config{Timeout: 500 * time.Millisecond})
		for _, key := range []string{"a", "b", "c"} {
			require.NoError(t, s.Set(t.Context(), key, entry(t, key, "body")))
		}
		n := 0
		for _, err := range s.Scan(t.Context()) {
			require.NoError(t, err)
			time.Sleep(time.Minute)
			n++
		}
		require.Equal(t, 3, n)
	})
}
