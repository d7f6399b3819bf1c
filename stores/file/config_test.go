// SPDX-License-Identifier: MIT

package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	plainFile := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(plainFile, nil, 0o600))
	for name, c := range map[string]struct {
		cfg   file.Config
		field string
	}{
		"no folder":        {file.Config{}, "Dir"},
		"a file as folder": {file.Config{Dir: plainFile}, "Dir"},
		"under a file":     {file.Config{Dir: filepath.Join(plainFile, "sub")}, "Dir"},
		"too small":        {file.Config{Dir: dir, MaxBytes: 1<<20 - 1}, "MaxBytes"},
		"negative bound":   {file.Config{Dir: dir, MaxBytes: -1}, "MaxBytes"},
		"negative value":   {file.Config{Dir: dir, MaxValue: -1}, "MaxValue"},
		"value above half": {file.Config{Dir: dir, MaxBytes: 1 << 20, MaxValue: 512 << 10}, "MaxValue"},
		"negative timeout": {file.Config{Dir: dir, Timeout: -time.Second}, "Timeout"},
		"negative life":    {file.Config{Dir: dir, JournalLife: -time.Second}, "JournalLife"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := file.New(c.cfg)
			require.ErrorContains(t, err, "file: "+c.field)
			require.Nil(t, s)
		})
	}
	_, err := file.New(file.Config{MaxBytes: -1, MaxValue: -1, Timeout: -1})
	for _, field := range []string{"Dir", "MaxBytes", "MaxValue", "Timeout"} {
		require.ErrorContains(t, err, "file: "+field, "all mistakes are told at once")
	}
}

func TestTheFolderIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, file.Config{Dir: dir})
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	for _, made := range []string{dir, filepath.Dir(dir), filepath.Dir(path(dir, "k")), filepath.Join(dir, "tmp")} {
		info, err := os.Stat(made)
		require.NoError(t, err)
		require.Equal(t, os.ModeDir|0o700, info.Mode(), "nobody else may read it")
	}
	info, err := os.Stat(path(dir, "k"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

// A relative folder stays the same one when the process changes its own.
func TestRelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	s := open(t, file.Config{Dir: "cache"})
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	t.Chdir(t.TempDir())
	require.NoError(t, s.Ping(t.Context()))
	requireBody(t, s, "k", "body")
}

// The longest value that may be configured can be set, and set again.
func TestLongestValue(t *testing.T) {
	const maxBytes = 1 << 20
	longest := maxBytes/2 - headLen
	s := open(t, file.Config{MaxBytes: maxBytes, MaxValue: longest})
	r := response("k", "")
	empty, err := store.New(r)
	require.NoError(t, err)
	r.Body = make([]byte, longest-empty.Size())
	e, err := store.New(r)
	require.NoError(t, err)
	require.Equal(t, longest, e.Size())
	for range 3 {
		require.NoError(t, s.Set(t.Context(), "k", e))
		requireBody(t, s, "k", string(r.Body))
	}
	r.Body = append(r.Body, 0)
	e, err = store.New(r)
	require.NoError(t, err)
	err = s.Set(t.Context(), "k", e)
	require.ErrorIs(t, err, store.ErrTooLarge)
	failure, ok := errors.AsType[*store.Error](err)
	require.True(t, ok)
	require.Equal(t, "file", failure.Store)
}
