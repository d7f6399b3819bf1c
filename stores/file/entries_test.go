// SPDX-License-Identifier: MIT

package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func response(key, body string) store.Response {
	now := time.Now()
	return store.Response{
		Key: key, Status: 200, Body: []byte(body),
		Fields:      []store.Field{{Name: "Content-Type", Values: []string{"text/plain"}}},
		RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(), StoreUntil: now.Add(24 * time.Hour).UnixNano(),
	}
}

func entry(t testing.TB, key, body string) *store.Entry {
	t.Helper()
	e, err := store.New(response(key, body))
	require.NoError(t, err)
	return e
}

// lasting returns an entry that must be dropped after life.
func lasting(t testing.TB, key string, life time.Duration) *store.Entry {
	t.Helper()
	r := response(key, "body")
	r.StoreUntil = time.Now().Add(life).UnixNano()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}

func requireBody(t testing.TB, s store.Store, key, body string) {
	t.Helper()
	e, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, key, e.Key())
	require.True(t, body == string(e.Body()), "the body of %.40q is another one", key)
}

func requireMiss(t testing.TB, s store.Store, key string) {
	t.Helper()
	e, err := s.Get(t.Context(), key)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Nil(t, e)
}

// signed returns a body whose every part shows the key that it belongs to, and its version.
func signed(key string, version, length int) string {
	sign := fmt.Sprintf("%s#%d;", key, version)
	return strings.Repeat(sign, length/len(sign)+1)
}

// checkSigned reports what is wrong with an entry that signed made, if it isn't nil.
func checkSigned(key string, e *store.Entry) error {
	sign, _, _ := strings.Cut(string(e.Body()), ";")
	if !strings.HasPrefix(sign, key+"#") || strings.Trim(string(e.Body()), sign+";") != "" {
		return fmt.Errorf("wrong bytes: asked for %q, got %.100q", key, e.Body())
	}
	if n := e.BodyLen() / (len(sign) + 1); string(e.Body()) != strings.Repeat(sign+";", n) {
		return fmt.Errorf("mixed bytes under %q", key)
	}
	return nil
}

// onDisk returns how many files with names of entries there are, and what all files take
// in blocks of 4 KiB.
func onDisk(t testing.TB, dir string) (entries int, bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		if len(d.Name()) == 32 {
			entries++
		}
		bytes += (info.Size() + 4095) / 4096 * 4096
		return nil
	})
	require.NoError(t, err)
	return entries, bytes
}

// ignoreMissing passes over what was removed during the walk.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// awaitSurvey returns when the store knows what stood in the folder.
func awaitSurvey(t testing.TB, s *file.Store) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !s.Stats().Surveyed {
		require.True(t, time.Now().Before(deadline), "the survey doesn't end")
		time.Sleep(time.Millisecond)
	}
}

// temps returns the names of the temporary files.
func temps(t testing.TB, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, "tmp"))
	require.NoError(t, ignoreMissing(err))
	var names []string
	for _, d := range list {
		names = append(names, d.Name())
	}
	return names
}

func entryOf(t testing.TB, r store.Response) *store.Entry {
	t.Helper()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}
