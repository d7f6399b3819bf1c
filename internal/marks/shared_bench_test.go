// SPDX-License-Identifier: MIT

package marks_test

import (
	"testing"
	"time"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// BenchmarkEntryOfOthers judges a response of another process with four tags, against two
// journals that have moved on since.
func BenchmarkEntryOfOthers(b *testing.B) {
	table := marks.New(2, time.Hour)
	known := []store.Position{{Epoch: epoch1, Seq: 0}, {Epoch: epoch2, Seq: 0}}
	for i, s := range table.Shared() {
		page := store.JournalPage{Epoch: known[i].Epoch}
		for n := range 1000 {
			page.Marks = append(page.Marks, store.Mark{Hash: hash(uint64(1000 + n)), Source: store.Position{Epoch: [16]byte{9}, Seq: uint64(n)}})
		}
		s.Apply(page, s.Begin())
	}
	e := entry(b, known, hash(1), hash(2), hash(3), hash(4), hash(5))
	now := time.Now().UnixNano()
	b.ReportAllocs()
	for b.Loop() {
		if table.Entry(e, now) != marks.Unpurged {
			b.Fatal("purged")
		}
	}
}
