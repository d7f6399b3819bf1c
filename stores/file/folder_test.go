// SPDX-License-Identifier: MIT

package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// What somebody deletes is gone, and is made again by whoever writes next.
func TestFolderDeletedWhileRunning(t *testing.T) {
	for name, deleted := range map[string]func(dir string) string{
		"all of it":     func(dir string) string { return dir },
		"the subfolder": func(dir string) string { return filepath.Dir(path(dir, "k")) },
		"tmp":           func(dir string) string { return filepath.Join(dir, "tmp") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			s := open(t, file.Config{Dir: dir})
			for range 3 {
				require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
				requireBody(t, s, "k", "body")
				require.NoError(t, os.RemoveAll(deleted(dir)))
				if name == "tmp" {
					requireBody(t, s, "k", "body")
				} else {
					requireMiss(t, s, "k")
					require.NoError(t, s.Delete(t.Context(), "k"))
				}
				require.NoError(t, s.Ping(t.Context()))
				require.DirExists(t, filepath.Join(dir, "tmp"))
			}
			require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "new")))
			requireBody(t, s, "k", "new")
			require.FileExists(t, path(dir, "k"))
		})
	}
}

// Two stores on a folder that was deleted: what one of them writes into the new one, the
// other finds, though it has the old one open.
func TestFolderMadeAgainByAnother(t *testing.T) {
	for name, deleted := range map[string]func(dir string) string{
		"all of it":     func(dir string) string { return dir },
		"the subfolder": func(dir string) string { return filepath.Dir(path(dir, "k")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			one, two := open(t, file.Config{Dir: dir}), open(t, file.Config{Dir: dir})
			require.NoError(t, one.Set(t.Context(), "k", entry(t, "k", "old")))
			require.NoError(t, two.Set(t.Context(), "k", entry(t, "k", "old")))
			requireBody(t, one, "k", "old")
			require.NoError(t, os.RemoveAll(deleted(dir)))
			require.NoError(t, two.Set(t.Context(), "k", entry(t, "k", "new")))
			requireBody(t, two, "k", "new")
			requireBody(t, one, "k", "new")
			require.NoError(t, one.Set(t.Context(), "k", entry(t, "k", "newest")))
			requireBody(t, two, "k", "newest")
		})
	}
}

// Files of others are left alone, whatever they are called.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	name := store.HashedKey("", "k")
	others := []string{
		"README", "00/README", "00/" + name + ".bak", "zz/" + name, "tmp/mine", "tmp/x.new", "tmp/ABCDEFGHIJKLM-1.old",
		"tmp/abcdefghijklm-1.new", "tmp/ABCDEFGHIJKLM-.new", "tmp/ABCDEFGHIJKLM-1x.new", "ff/" + name, name[:2] + "/" + name[:31] + "G",
		name[:2] + "/" + name[:2] + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", name[:2] + "/" + name + "0", "nested/deep/file",
	}
	for _, other := range others {
		at := filepath.Join(dir, filepath.FromSlash(other))
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o700))
		require.NoError(t, os.WriteFile(at, make([]byte, 1<<20), 0o600))
		require.NoError(t, os.Chtimes(at, longAgo, longAgo))
	}
	s := open(t, file.Config{Dir: dir, MaxBytes: 1 << 20})
	awaitSurvey(t, s)
	for i := range 600 { // twice what fits
		key := signed("k", i, 1)
		require.NoError(t, s.Set(t.Context(), key, entry(t, key, "body")))
	}
	require.NotZero(t, s.Stats().Evictions)
	for _, other := range others {
		require.FileExists(t, filepath.Join(dir, filepath.FromSlash(other)))
	}
}
