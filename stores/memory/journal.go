// SPDX-License-Identifier: MIT

package memory

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"github.com/holdover-go/holdover/store"
)

// Journal keeps purges for several caches in one process, each with a store of its own or
// all with one that outlives the process; what is stored there is revalidated after a
// restart, since the journal is gone. Several caches on one memory store cost each other
// what makes its hits quick: rather use holdover.Cache.With.
type Journal struct {
	mu    sync.Mutex
	epoch [16]byte
	base  uint64 // the number of the last mark that was dropped
	marks []store.Mark
}

var _ store.Journal = (*Journal)(nil)

const (
	maxMarks = 1 << 16 // 3 MiB
	pageSize = 1000
)

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	j := &Journal{}
	rand.Read(j.epoch[:]) // never fails
	return j
}

// Append adds the marks and returns the position of the last. The oldest are dropped
// beyond 65,536: who hasn't read them by then has lost them.
func (j *Journal) Append(_ context.Context, marks []store.Mark) (store.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marks = append(j.marks, marks...)
	if over := len(j.marks) - maxMarks; over > 0 {
		j.marks = slices.Delete(j.marks, 0, over)
		j.base += uint64(over)
	}
	return store.Position{Epoch: j.epoch, Seq: j.base + uint64(len(j.marks))}, nil
}

// Read returns up to 1,000 marks from a position on.
func (j *Journal) Read(_ context.Context, from store.Position) (store.JournalPage, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	end := j.base + uint64(len(j.marks))
	base := j.base
	if from.Epoch == j.epoch && from.Seq > j.base && from.Seq <= end {
		base = from.Seq - 1
	}
	to := min(base+pageSize, end)
	return store.JournalPage{
		Epoch: j.epoch, Base: base, Marks: slices.Clone(j.marks[base-j.base : to-j.base]), More: to < end,
	}, nil
}

// Renew drops all marks and takes another epoch, if the journal has the one given.
func (j *Journal) Renew(_ context.Context, epoch [16]byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.epoch == epoch {
		rand.Read(j.epoch[:]) // never fails
		j.base, j.marks = 0, nil
	}
	return nil
}
