// SPDX-License-Identifier: MIT

package file_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// BenchmarkJournal measures what every process does ten times a second, and what a purge costs.
func BenchmarkJournal(b *testing.B) {
	reader := func(b *testing.B, s *file.Store, p store.Position) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			page, err := s.Read(ctx, p)
			if err != nil || page.Position() != p {
				b.Fatal(page.Position(), err)
			}
		}
	}
	b.Run("IdleRead", func(b *testing.B) {
		s := journalIn(b, b.TempDir())
		reader(b, s, appended(b, s, 0, 1500))
	})
	b.Run("IdleReadEmpty", func(b *testing.B) {
		s := journalIn(b, b.TempDir())
		reader(b, s, appended(b, s, 0, 0))
	})
	b.Run("FirstRead", func(b *testing.B) { // of a process, which makes sure that all is on the disk
		dir := b.TempDir()
		p := appended(b, journalIn(b, dir), 0, 1500)
		for b.Loop() {
			b.StopTimer()
			s := journalIn(b, dir)
			b.StartTimer()
			_, err := s.Read(b.Context(), p)
			require.NoError(b, err)
		}
	})
	b.Run("Append", func(b *testing.B) {
		s, list := journalIn(b, b.TempDir()), marked(0, 1)
		for b.Loop() {
			_, err := s.Append(b.Context(), list)
			require.NoError(b, err)
		}
	})
}
