// SPDX-License-Identifier: MIT

package file_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// In a bubble the clock stands while the disk works. Modification times are the real
// ones, though, unless a test sets them.

func TestExpiredEntriesAreNeverReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, file.Config{Dir: dir})
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", 30*time.Second)))
		time.Sleep(30*time.Second - time.Nanosecond)
		requireBody(t, s, "k", "body")
		time.Sleep(time.Nanosecond)
		require.FileExists(t, path(dir, "k"), "nobody has met it yet")
		requireMiss(t, s, "k")
		synctest.Wait()
		require.NoFileExists(t, path(dir, "k"), "who meets it lets it be removed")
		require.Zero(t, s.Stats().Entries)
		require.Zero(t, s.Stats().Evictions, "that is no eviction")
	})
}

// Also those that were found in the folder, of which only the file says when they expire.
func TestSweepRemovesTheExpiredAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := file.New(file.Config{Dir: dir})
		require.NoError(t, err)
		for i := range 300 {
			key, life := strconv.Itoa(i), 5*time.Minute
			if i%3 == 0 {
				life = 100 * time.Hour
			}
			require.NoError(t, s.Set(t.Context(), key, lasting(t, key, life)))
			if i == 150 { // the second half is known to the store that sweeps
				require.NoError(t, s.Close())
				s = open(t, file.Config{Dir: dir})
			}
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path(dir, "newer")), 0o700))
		require.NoError(t, os.WriteFile(path(dir, "newer"), newerFormat(), 0o600))
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		require.Equal(t, 300, s.Stats().Entries)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		require.Equal(t, 101, s.Stats().Entries, "a third and the one of a newer format")
		for i := range 300 {
			_, err := os.Stat(path(dir, strconv.Itoa(i)))
			require.Equal(t, i%3 == 0, err == nil)
		}
		require.FileExists(t, path(dir, "newer"))
		requireAccounts(t, s, dir)
	})
}

// A file that another process has replaced meanwhile isn't removed for what the old one said.
func TestSweepGoesByTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, file.Config{Dir: dir})
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", time.Minute)))
		other := open(t, file.Config{Dir: dir})
		require.NoError(t, other.Set(t.Context(), "k", lasting(t, "k", 3*time.Minute)))
		time.Sleep(2 * time.Minute)
		requireBody(t, s, "k", "body")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.NoFileExists(t, path(dir, "k"))
		require.Zero(t, s.Stats().Entries)
		require.Zero(t, other.Stats().Entries)
	})
}

// What a killed process left in tmp goes once nobody can be writing it any more, and
// counts until then.
func TestTemporaryFilesAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "tmp"), 0o700))
		for name, age := range map[string]time.Duration{
			"ABCDEFGHIJ234-1.new": 11 * time.Minute, "ABCDEFGHIJ234-22.new": 9 * time.Minute, "somebody's": 24 * time.Hour,
		} {
			at := filepath.Join(dir, "tmp", name)
			require.NoError(t, os.WriteFile(at, make([]byte, 10<<10), 0o600))
			require.NoError(t, os.Chtimes(at, time.Time{}, time.Now().Add(-age)))
		}
		s := open(t, file.Config{Dir: dir})
		time.Sleep(time.Second)
		require.ElementsMatch(t, []string{"ABCDEFGHIJ234-22.new", "somebody's"}, temps(t, dir))
		require.EqualValues(t, 12<<10, s.Stats().Bytes)
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"somebody's"}, temps(t, dir))
		require.Zero(t, s.Stats().Bytes)
	})
}

// The order of use outlives a restart by the modification times, which a hit renews once
// an hour at most.
func TestHitsRenewTheModificationTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, file.Config{Dir: dir})
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", 100*time.Hour)))
		modified := func() time.Time {
			synctest.Wait()
			info, err := os.Stat(path(dir, "k"))
			require.NoError(t, err)
			return info.ModTime()
		}
		written := modified()
		time.Sleep(59 * time.Minute)
		requireBody(t, s, "k", "body")
		require.True(t, modified().Equal(written))
		time.Sleep(2 * time.Minute)
		requireBody(t, s, "k", "body")
		renewed := modified()
		require.WithinDuration(t, time.Now(), renewed, time.Second)
		time.Sleep(59 * time.Minute)
		requireBody(t, s, "k", "body")
		require.True(t, modified().Equal(renewed))
	})
}

// A restart keeps the entries, and the store serves them before it has surveyed anything.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s, err := file.New(file.Config{Dir: dir})
	require.NoError(t, err)
	for i := range 100 {
		key := strconv.Itoa(i)
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, "body"+key)))
	}
	require.NoError(t, s.Close())
	s = open(t, file.Config{Dir: dir})
	for i := range 100 {
		requireBody(t, s, strconv.Itoa(i), "body"+strconv.Itoa(i))
	}
	older := response("1", "older")
	older.RequestTime -= int64(time.Hour)
	e, err := store.New(older)
	require.NoError(t, err)
	done, err := s.SetIfNewer(t.Context(), "1", e)
	require.NoError(t, err)
	require.False(t, done)
	awaitSurvey(t, s)
	requireAccounts(t, s, dir)
}
