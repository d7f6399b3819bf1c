// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// promised is how soon a change of the file must have arrived.
const promised = time.Second

// watch follows a file with this content in a bubble, so that time is exact.
func watch(t *testing.T, content string, test func(t *testing.T, f *allowFile, log *bytes.Buffer)) {
	path := filepath.Join(t.TempDir(), "clients.txt")
	synctest.Test(t, func(t *testing.T) {
		log := new(bytes.Buffer)
		write(t, path, content)
		f, err := openAllowFile(path, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go f.follow(ctx)
		test(t, f, log)
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// wait lets the promised time pass, and the last look at its end.
func wait() {
	time.Sleep(promised)
	synctest.Wait()
}

func TestAllowListFollowsItsFile(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, _ *bytes.Buffer) {
		require.True(t, f.list.Contains("alice"))
		require.False(t, f.list.Contains("bob"))
		write(t, f.path, "bob\ncarol\n")
		wait()
		require.True(t, f.list.Contains("bob"))
		require.False(t, f.list.Contains("alice"), "revoked")
	})
}

// Editors and configuration tools replace files by renaming.
func TestAllowListFollowsARenamedFile(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, _ *bytes.Buffer) {
		old, err := os.Stat(f.path)
		require.NoError(t, err)
		fresh := f.path + ".new"
		write(t, fresh, "bobby\n")                                        // the same length
		require.NoError(t, os.Chtimes(fresh, time.Time{}, old.ModTime())) // and time
		require.NoError(t, os.Rename(fresh, f.path))
		wait()
		require.True(t, f.list.Contains("bobby"))
	})
}

func TestAllowListCanBeEmptied(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, _ *bytes.Buffer) {
		require.NoError(t, os.Truncate(f.path, 0))
		wait()
		require.Zero(t, f.list.Len())
	})
}

func TestBadAllowListKeepsTheOldOne(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, log *bytes.Buffer) {
		write(t, f.path, "bob\nmallory # remove me\n")
		wait()
		wait()
		require.Equal(t, 1, strings.Count(log.String(), "kept as it was"), "one state, one line: %s", log)
		require.NotContains(t, log.String(), "mallory")
		require.True(t, f.list.Contains("alice"))
		require.False(t, f.list.Contains("bob"))
		write(t, f.path, "bob\n")
		wait()
		require.True(t, f.list.Contains("bob"))
	})
}

func TestMissingAllowListKeepsTheOldOne(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, log *bytes.Buffer) {
		require.NoError(t, os.Remove(f.path))
		wait()
		wait()
		require.Equal(t, 1, strings.Count(log.String(), "kept as it was"), "one state, one line: %s", log)
		require.True(t, f.list.Contains("alice"))
		write(t, f.path, "bob\n")
		wait()
		require.True(t, f.list.Contains("bob"))
	})
}

// A file under way to its new content must not revoke those it doesn't name yet.
func TestAllowListWaitsForTheWriter(t *testing.T) {
	watch(t, "alice\n", func(t *testing.T, f *allowFile, _ *bytes.Buffer) {
		time.Sleep(pollInterval / 2)
		require.NoError(t, os.Truncate(f.path, 0))
		time.Sleep(pollInterval) // one look sees the empty file
		synctest.Wait()
		require.True(t, f.list.Contains("alice"))
		write(t, f.path, "alice\nbob\n")
		wait()
		require.True(t, f.list.Contains("alice"))
		require.True(t, f.list.Contains("bob"))
	})
}
