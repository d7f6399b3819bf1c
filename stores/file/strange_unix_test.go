// SPDX-License-Identifier: MIT

//go:build unix

package file_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// stranger puts something in the place of a file that holds a readable entry.
type stranger struct {
	name string
	put  func(t *testing.T, at, entry string)
	// followed says that the entry may be read through it once the store knows the file:
	// it leads to the very same entry inside the folder.
	followed bool
}

var strangers = []stranger{
	{name: "named pipe", put: func(t *testing.T, at, _ string) { require.NoError(t, syscall.Mkfifo(at, 0o600)) }},
	{name: "folder", put: func(t *testing.T, at, _ string) { require.NoError(t, os.Mkdir(at, 0o700)) }},
	{name: "link outside", put: func(t *testing.T, at, entry string) {
		outside := filepath.Join(t.TempDir(), "outside")
		require.NoError(t, os.Rename(entry, outside))
		require.NoError(t, os.Symlink(outside, at))
	}},
	{name: "link inside", followed: true, put: func(t *testing.T, at, entry string) {
		require.NoError(t, os.Symlink(filepath.Base(entry), at))
	}},
	{name: "dangling link", put: func(t *testing.T, at, _ string) { require.NoError(t, os.Symlink("nowhere", at)) }},
	{name: "link to itself", put: func(t *testing.T, at, _ string) { require.NoError(t, os.Symlink(filepath.Base(at), at)) }},
	{name: "link to a named pipe", put: func(t *testing.T, at, _ string) {
		require.NoError(t, syscall.Mkfifo(at+".pipe", 0o600))
		require.NoError(t, os.Symlink(filepath.Base(at)+".pipe", at))
	}},
	{name: "socket", put: func(t *testing.T, at, _ string) {
		t.Chdir(filepath.Dir(at)) // the path of a socket must be short
		l, err := net.Listen("unix", filepath.Base(at))
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
	}},
	{name: "huge file", put: func(t *testing.T, at, _ string) {
		require.NoError(t, os.WriteFile(at, nil, 0o600))
		require.NoError(t, os.Truncate(at, 1<<40))
	}},
	{name: "zeros as long as a value may be", put: func(t *testing.T, at, _ string) {
		require.NoError(t, os.WriteFile(at, nil, 0o600))
		require.NoError(t, os.Truncate(at, suiteValue))
	}},
}

// What isn't a regular file is refused at once and never read, whether it stood there
// first or took the place of a file that the store knows.
func TestStrangersAreRefused(t *testing.T) {
	for _, known := range []bool{false, true} {
		for _, x := range strangers {
			t.Run(x.name+map[bool]string{true: ", known"}[known], func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, file.Config{Dir: dir, MaxBytes: suiteBytes, MaxValue: suiteValue})
				awaitSurvey(t, s)
				if known {
					require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
				} else {
					save(t, dir, "k", entry(t, "k", "body").Bytes(), time.Now().Add(time.Hour))
				}
				at := path(dir, "k")
				require.NoError(t, os.Rename(at, at+".real"))
				x.put(t, at, at+".real")
				refused(t, s, x.followed && known)
				givesWay(t, s, dir)
			})
		}
	}
}

func refused(t *testing.T, s *file.Store, mayBeFollowed bool) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e, err := s.Get(t.Context(), "k") // which has a timeout, if it waits for something
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "and no memory taken for it")
	if err == nil && mayBeFollowed {
		require.Equal(t, "k", e.Key())
		return
	}
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, err, store.ErrFormat)
	require.Nil(t, e)
}

// givesWay: a stranger is replaced by the next Set, and goes with a Delete.
func givesWay(t *testing.T, s *file.Store, dir string) {
	t.Helper()
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "new")))
	requireBody(t, s, "k", "new")
	info, err := os.Lstat(path(dir, "k"))
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
	require.NoError(t, s.Delete(t.Context(), "k"))
	requireMiss(t, s, "k")
}

// A device is not even opened: that alone may do something.
func TestDevice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	require.NoError(t, os.MkdirAll(filepath.Dir(path(dir, "k")), 0o700))
	if err := syscall.Mknod(path(dir, "k"), syscall.S_IFCHR|0o600, 1<<8|5); err != nil {
		t.Logf("only root may make a device: %v", err)
		return
	}
	refused(t, s, false)
	givesWay(t, s, dir)
}

// A folder with something in it stays, and says so.
func TestFullFolderInTheWay(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	require.NoError(t, os.MkdirAll(filepath.Join(path(dir, "k"), "somebody's"), 0o700))
	refused(t, s, false)
	require.Error(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	require.Error(t, s.Delete(t.Context(), "k"))
	require.DirExists(t, filepath.Join(path(dir, "k"), "somebody's"))
	require.Empty(t, temps(t, dir))
	require.NoError(t, s.Set(t.Context(), "other", entry(t, "other", "body")))
}

// No subfolder may lead elsewhere: neither reading nor writing follows it.
func TestSubfoldersThatAreLinks(t *testing.T) {
	for _, name := range []string{store.HashedKey("", "k")[:2], "tmp"} {
		t.Run(name, func(t *testing.T) {
			dir, outside := t.TempDir(), t.TempDir()
			save(t, outside, "k", entry(t, "k", "body").Bytes(), time.Now().Add(time.Hour))
			require.NoError(t, os.Symlink(filepath.Dir(path(outside, "k")), filepath.Join(dir, name)))
			s := open(t, file.Config{Dir: dir})
			awaitSurvey(t, s)
			e, err := s.Get(t.Context(), "k")
			require.Error(t, err)
			require.Nil(t, e)
			require.ErrorContains(t, s.Set(t.Context(), "k", entry(t, "k", "new")), "not a folder")
			require.FileExists(t, path(outside, "k"))
			list, err := os.ReadDir(filepath.Dir(path(outside, "k")))
			require.NoError(t, err)
			require.Len(t, list, 1, "nothing was written there")
		})
	}
}
