// SPDX-License-Identifier: MIT

package file_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func requireUnreadable(t testing.TB, s store.Store, key string) {
	t.Helper()
	e, err := s.Get(t.Context(), key)
	require.ErrorIs(t, err, store.ErrNotFound, "what can't be read is a miss")
	require.ErrorIs(t, err, store.ErrFormat, "of which somebody hears")
	require.Nil(t, e)
	for e, err := range store.Scan(t.Context(), s) {
		require.NoError(t, err)
		require.NotEqual(t, key, e.Key(), "Scan leaves it out")
	}
}

// Whatever single byte of a file changes, the entry isn't served.
func TestEveryByteCounts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	whole, err := os.ReadFile(path(dir, "k"))
	require.NoError(t, err)
	for at := range whole {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		require.NoError(t, os.WriteFile(path(dir, "k"), b, 0o600))
		requireUnreadable(t, s, "k")
	}
	for n := range whole {
		require.NoError(t, os.WriteFile(path(dir, "k"), whole[:n], 0o600))
		requireUnreadable(t, s, "k")
	}
	require.NoError(t, os.WriteFile(path(dir, "k"), append(bytes.Clone(whole), 0), 0o600))
	requireUnreadable(t, s, "k")
	require.NoError(t, os.WriteFile(path(dir, "k"), whole, 0o600))
	requireBody(t, s, "k", "body")
}

// unsummed is a codec whose values have no checksum.
type unsummed struct{}

func (unsummed) Encode(e *store.Entry) ([]byte, error) {
	return append([]byte(e.Key()+"\n"), e.Body()...), nil
}

func (unsummed) Decode(value []byte) (*store.Entry, error) {
	key, body, _ := strings.Cut(string(value), "\n")
	return store.New(response(key, body))
}

// After a power failure a file may have its length and zeros in it, which not every
// codec notices.
func TestValuesWithoutASum(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir, Codec: unsummed{}})
	body := strings.Repeat("long ", 1<<20/5)
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", body)))
	whole, err := os.ReadFile(path(dir, "k"))
	require.NoError(t, err)
	for _, at := range []int{100, len(whole) / 2, len(whole) - 4096} {
		b := bytes.Clone(whole)
		clear(b[at:min(at+4096, len(b))])
		require.NoError(t, os.WriteFile(path(dir, "k"), b, 0o600))
		requireUnreadable(t, s, "k")
		done, err := s.SetIfAbsent(t.Context(), "k", entry(t, "k", body))
		require.NoError(t, err)
		require.True(t, done, "it doesn't stand in the way")
		requireBody(t, s, "k", body)
	}
}

// panicking is a codec that can't stand what it wrote.
type panicking struct{ unsummed }

func (panicking) Decode([]byte) (*store.Entry, error) { panic("it can't stand it") }

// The store decodes on goroutines of its own, where a panic would end the process.
func TestCodecsMayPanic(t *testing.T) {
	s := open(t, file.Config{Codec: panicking{}})
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	requireUnreadable(t, s, "k")
	done, err := s.SetIfAbsent(t.Context(), "k", entry(t, "k", "body"))
	require.NoError(t, err)
	require.True(t, done)
	require.NoError(t, s.Delete(t.Context(), "k"))
	requireMiss(t, s, "k")
}

// newerFormat returns a file as a later release might write it.
func newerFormat() []byte {
	b := append([]byte("HLDF"), 2, 0, 0, 0)
	b = append(b, make([]byte, 20)...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, "whatever that release may write"...)
}

// What another release may be able to read stays, until something is stored in its place.
func TestForeignFilesStay(t *testing.T) {
	for name, content := range map[string][]byte{
		"a newer format": newerFormat(),
		"text":           []byte("not ours at all, though its name is"),
		"empty":          {},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(dir+"/"+store.HashedKey("", "k")[:2], 0o700))
			require.NoError(t, os.WriteFile(path(dir, "k"), content, 0o600))
			s := open(t, file.Config{Dir: dir})
			requireUnreadable(t, s, "k")
			awaitSurvey(t, s)
			requireUnreadable(t, s, "k")
			got, err := os.ReadFile(path(dir, "k"))
			require.NoError(t, err)
			require.Equal(t, string(content), string(got))
			require.Equal(t, 1, s.Stats().Entries, "but it counts")
			require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
			requireBody(t, s, "k", "body")
		})
	}
}

// A file that stands under the name of another key is of no use to anybody, and stays.
func TestValueOfAnotherKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, file.Config{Dir: dir})
	save(t, dir, "k", entry(t, "another", "body").Bytes(), time.Now().Add(time.Hour))
	requireUnreadable(t, s, "k")
	require.FileExists(t, path(dir, "k"))
}

func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	s := open(f, file.Config{Dir: dir, MaxBytes: 1 << 20})
	require.NoError(f, s.Set(f.Context(), "k", entry(f, "k", "body")))
	whole, err := os.ReadFile(path(dir, "k"))
	require.NoError(f, err)
	f.Add(whole)
	f.Add(newerFormat())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(path(dir, "k"), content, 0o600))
		if e, err := s.Get(t.Context(), "k"); err == nil {
			require.Equal(t, "k", e.Key())
			require.Equal(t, string(content[headLen:]), string(e.Bytes()))
			return
		}
		requireMiss(t, s, "k")
	})
}
