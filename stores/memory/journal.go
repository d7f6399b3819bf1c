// SPDX-License-Identifier: MIT

package memory

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

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
	made  time.Time
	times []time.Duration // when each of them was appended, since then
}

var _ store.Journal = (*Journal)(nil)

const (
	maxMarks   = 1 << 16 // 4 MiB
	keptAlways = 1000
	pageSize   = 1000

	// life is for how long marks are kept: a day more than holdover.Config.MaxLife is by
	// default.
	life = 8 * 24 * time.Hour
)

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	j := &Journal{made: time.Now()}
	rand.Read(j.epoch[:]) // never fails
	return j
}

// Append adds the marks and returns the position of the last. The oldest are dropped
// beyond 65,536, and those older than eight to ten days but for the last thousand. Who hasn't
// read them by then has lost them, and responses that know less are revalidated.
func (j *Journal) Append(_ context.Context, marks []store.Mark) (store.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Since(j.made)
	for _, m := range marks {
		j.marks, j.times = append(j.marks, m), append(j.times, now)
	}
	j.drop(max(len(j.marks)-maxMarks, j.tooOld(now)))
	return store.Position{Epoch: j.epoch, Seq: j.base + uint64(len(j.marks))}, nil
}

// tooOld returns how many marks must go for their age: none until the first is older by a
// quarter than it must become.
func (j *Journal) tooOld(now time.Duration) int {
	if most := len(j.marks) - keptAlways; most > 0 && now-j.times[0] > life+life/4 {
		n, _ := slices.BinarySearch(j.times, now-life)
		return min(n, most)
	}
	return 0
}

func (j *Journal) drop(n int) {
	if n > 0 {
		j.marks, j.times = slices.Delete(j.marks, 0, n), slices.Delete(j.times, 0, n)
		j.base += uint64(n)
	}
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
		j.base, j.marks, j.times = 0, nil, nil
	}
	return nil
}
