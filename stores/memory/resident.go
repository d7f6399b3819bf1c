// SPDX-License-Identifier: MIT

package memory

import (
	"sync/atomic"

	"github.com/holdover-go/holdover/store"
)

const (
	// overhead is what one entry takes beside its encoded form, in bytes: 32
	// for the resident, 64 for the Entry, 80 for the element of the list, 10
	// for the place in shard.all with its spare room, 28 for the slot in the
	// map at its mean fill, 86 for what the allocator rounds up. The sum was
	// measured with a million entries, see BenchmarkCollect.
	overhead = 300

	// keyOverhead is what a key that is kept takes beside its text.
	keyOverhead = 32
)

// Marks of a resident. Those who hold the read lock may set them, and only who
// holds the write lock clears them.
const (
	// hit: somebody asked for it since it was last moved.
	hit uint32 = 1 << iota
	// viewed: somebody asked for it, so that the cache may have filled its
	// view, whose size is part of the cost.
	viewed
)

// resident is an entry in the store. All but its marks and its place is immutable.
type resident struct {
	entry *store.Entry
	key   *string // nil where it is the entry's own, as nearly always
	hash  uint64
	marks atomic.Uint32
	place uint32 // its index in shard.all
}

func (r *resident) keyIs(key []byte) bool {
	if r.key != nil {
		return *r.key == string(key)
	}
	return r.entry.KeyIs(key)
}

func (r *resident) expired(now int64) bool { return r.entry.StoreUntil() <= now }

// cost returns what the entry takes of the bound, in bytes.
func (r *resident) cost() int64 {
	n := overhead + r.entry.Size()
	if r.key != nil {
		n += keyOverhead + len(*r.key)
	}
	if r.marks.Load()&viewed != 0 {
		n += r.entry.ViewSize()
	}
	return int64(n)
}

// clear removes a mark and reports whether it was set.
func (r *resident) clear(mark uint32) bool { return r.marks.And(^mark)&mark != 0 }
