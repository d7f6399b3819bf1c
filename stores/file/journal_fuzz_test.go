// SPDX-License-Identifier: MIT

package file_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// FuzzJournal puts anything in the place of the journal: that is one, whole or up to some
// mark, or another one begins.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	s := journalIn(f, dir)
	p := appended(f, s, 0, 5)
	whole, err := os.ReadFile(journalPath(dir))
	require.NoError(f, err)
	for _, b := range [][]byte{
		nil, []byte("HLDJ"), whole, whole[:slotLen], whole[:len(whole)-1], append(whole[:len(whole):len(whole)], make([]byte, 3*slotLen)...),
	} {
		f.Add(b, p.Seq, false, false)
		f.Add(b, uint64(0), true, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, from uint64, inPlace, summed bool) {
		if summed {
			b = sums(b)
		}
		if inPlace {
			overwrite(t, dir, b)
		} else {
			other := filepath.Join(dir, "other")
			require.NoError(t, os.WriteFile(other, b, 0o600))
			require.NoError(t, os.Rename(other, journalPath(dir)))
		}
		checkAnyJournal(t, s, store.Position{Epoch: p.Epoch, Seq: from}, len(b), inPlace)
	})
}

// sums puts in the right checksums, as journal_format.go says.
func sums(b []byte) []byte {
	b = bytes.Clone(b)
	table := crc32.MakeTable(crc32.Castagnoli)
	for at := 0; at+slotLen <= len(b); at += slotLen {
		start := uint32(0)
		if at > 0 {
			start = crc32.Checksum(b[8:24], table)
		}
		binary.LittleEndian.PutUint32(b[at+slotLen-4:], crc32.Update(start, table, b[at:at+slotLen-4]))
	}
	return b
}

func checkAnyJournal(t *testing.T, s *file.Store, from store.Position, size int, inPlace bool) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	page, err := s.Read(t.Context(), from)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10*size+1<<19), "memory is taken for what is there")
	require.NotZero(t, page.Epoch)
	require.LessOrEqual(t, len(page.Marks), size/slotLen)
	for page.More {
		next, err := s.Read(t.Context(), page.Position())
		require.NoError(t, err)
		require.Equal(t, page.Epoch, next.Epoch)
		page = next
	}
	list := marked(7, 3)
	p, err := s.Append(t.Context(), list)
	require.NoError(t, err)
	switch {
	case inPlace: // it may have verified what is damaged now
	case p.Epoch == page.Epoch:
		require.Equal(t, page.Position().Seq+3, p.Seq)
	default:
		require.EqualValues(t, 3, p.Seq, "one that was damaged where nobody has read")
	}
	requirePage(t, s, store.Position{Epoch: p.Epoch, Seq: p.Seq - 2}, p.Epoch, p.Seq-3, list)
}
