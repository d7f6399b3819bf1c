// SPDX-License-Identifier: MIT

package file_test

import (
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/stores/file"
)

// Two stores on one folder see each other's writes at once.
func TestSharedFolder(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, file.Config{Dir: dir}), open(t, file.Config{Dir: dir})
	for i := range 10 {
		require.NoError(t, one.Set(t.Context(), "k", entry(t, "k", strconv.Itoa(2*i))))
		requireBody(t, two, "k", strconv.Itoa(2*i))
		require.NoError(t, two.Set(t.Context(), "k", entry(t, "k", strconv.Itoa(2*i+1))))
		requireBody(t, one, "k", strconv.Itoa(2*i+1))
	}
	done, err := one.SetIfAbsent(t.Context(), "k", entry(t, "k", "absent"))
	require.NoError(t, err)
	require.False(t, done)
	require.NoError(t, two.Delete(t.Context(), "k"))
	requireMiss(t, one, "k")
	done, err = one.SetIfAbsent(t.Context(), "k", entry(t, "k", "absent"))
	require.NoError(t, err)
	require.True(t, done)
	requireBody(t, two, "k", "absent")
}

// What another process does to the folder is learned by a hit, or by the next survey.
func TestSurveysLearnWhatOthersDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, other := open(t, file.Config{Dir: dir}), open(t, file.Config{Dir: dir})
		set := func(key string, size int) {
			t.Helper()
			r := lasting(t, key, 100*time.Hour).Response()
			r.Body = make([]byte, size)
			require.NoError(t, other.Set(t.Context(), key, entryOf(t, r)))
		}
		time.Sleep(time.Second) // both have surveyed
		for _, key := range []string{"hit", "replaced", "new", "removed"} {
			set(key, 10)
		}
		for _, key := range []string{"hit", "replaced", "removed"} {
			_, err := s.Get(t.Context(), key)
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, 3, s.Stats().Entries, "by hits")
		set("replaced", 100<<10)
		require.NoError(t, os.Remove(path(dir, "removed")))
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		requireAccounts(t, s, dir)
		requireAccounts(t, other, dir)
	})
}

// A file that takes more room than the index thought is found out by a hit too.
func TestHitsLearnTheSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, other := open(t, file.Config{Dir: dir}), open(t, file.Config{Dir: dir})
		require.NoError(t, s.Set(t.Context(), "k", lasting(t, "k", time.Hour)))
		r := lasting(t, "k", time.Hour).Response()
		r.Body = make([]byte, 100<<10)
		require.NoError(t, other.Set(t.Context(), "k", entryOf(t, r)))
		requireBody(t, s, "k", string(r.Body))
		synctest.Wait()
		requireAccounts(t, s, dir)
	})
}

// A file that somebody removed is forgotten by whoever misses it.
func TestMissesForget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	require.NoError(t, os.Remove(path(dir, "k")))
	requireMiss(t, s, "k")
	require.Zero(t, s.Stats().Entries)
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	requireBody(t, s, "k", "body")
}

// What others wrote makes files go, too, once it is known.
func TestLearningKeepsTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, other := open(t, file.Config{Dir: dir, MaxBytes: 1 << 20}), open(t, file.Config{Dir: dir})
		time.Sleep(time.Second) // both have surveyed
		for i := range 400 {
			key := strconv.Itoa(i)
			require.NoError(t, other.Set(t.Context(), key, lasting(t, key, time.Hour)))
			requireBody(t, s, key, "body")
		}
		synctest.Wait()
		require.Equal(t, file.Stats{Entries: 256, Bytes: 1 << 20, Evictions: 144, Surveyed: true}, s.Stats())
		requireAccounts(t, s, dir)
	})
}
