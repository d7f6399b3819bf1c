// SPDX-License-Identifier: MIT

package file

import (
	"math"
	"sync"
	"time"
)

const (
	// blockLen is what the disk is counted in, whatever its own blocks are.
	blockLen = 4 << 10

	// protectedPercent is the part of the bound that files may keep for good which
	// were asked for after they were written. The rest is where new ones prove
	// themselves, so that a crawler doesn't drive out what is popular.
	protectedPercent = 80

	// maxTries is how many files that are being written are passed over by who looks
	// for one to evict.
	maxTries = 256

	// earlyShare is which part of the bound may be written before it is known how much
	// stands there already. So the folder exceeds its bound by no more, even if a
	// process is started and killed again and again.
	earlyShare = 8

	// touchEvery is how much older than its last use a file's modification time may
	// be, by which the order is known after a restart. In seconds.
	touchEvery = 60 * 60
)

// The two lists.
const (
	onProbation = iota
	isProtected
)

// index knows which files there are, what they take and which was used last. It is only
// the accounts: reading and writing go by the files, which other processes change too.
// Nobody does I/O under its lock.
type index struct {
	limit int64 // in blocks, as all that follows
	share int64 // of the protected ones

	mu        sync.Mutex
	places    map[hash]uint32
	slots     slab
	lists     [2]list
	pending   int64 // room that was promised to files which are being written
	others    int64 // temporary files of other processes
	survey    uint8
	surveyed  bool              // the first survey has ended
	gone      map[hash]struct{} // what was removed during the survey under way, which may have met it before
	growth    int64             // what the folder grew by since it was opened, or shrank
	evictions uint64
}

func newIndex(maxBytes int64) *index {
	limit := maxBytes / blockLen
	return &index{limit: limit, share: limit * protectedPercent / 100, places: make(map[hash]uint32)}
}

// blocksOf returns what a file of so many bytes takes.
func blocksOf(size int64) uint32 {
	return uint32(min((size+blockLen-1)/blockLen, math.MaxUint32))
}

// seconds rounds an instant in Unix nanoseconds up.
func seconds(nanos int64) uint32 {
	s := nanos/int64(time.Second) + 1
	return uint32(min(max(s, untilUnknown+1), untilNever-1))
}

func unixNow() uint32 { return uint32(time.Now().Unix()) }

// reserve promises room for a file, if there is any.
func (x *index) reserve(blocks uint32) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := int64(blocks)
	if x.blocks()+n > x.limit || !x.surveyed && x.growth+x.pending+n > max(x.limit/earlyShare, n) {
		return false
	}
	x.pending += n
	return true
}

// release takes the promise back.
func (x *index) release(blocks uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending -= int64(blocks)
}

// put enters a file for which room was reserved.
func (x *index) put(h hash, blocks, until uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending -= int64(blocks)
	x.growth += int64(blocks)
	delete(x.gone, h)
	now := unixNow()
	if i, found := x.places[h]; found {
		s := x.slots.at(i)
		x.growth -= int64(s.blocks)
		s.until, s.touched, s.seen = until, now, x.survey
		x.resize(i, blocks)
		x.toFront(i)
		return
	}
	x.slots.pushFront(&x.lists[onProbation], x.add(h, blocks, until, now))
}

// over reports whether there is more than there may be.
func (x *index) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.blocks() > x.limit
}

// hit notes that a file of that size was read. It reports whether the index knows it so,
// and whether its modification time should be set to now.
func (x *index) hit(h hash, blocks uint32) (known, touch bool) {
	now := unixNow()
	x.mu.Lock()
	defer x.mu.Unlock()
	i, known := x.places[h]
	if !known {
		return false, false
	}
	x.promote(i)
	s := x.slots.at(i)
	known = s.blocks == blocks
	if int64(now)-int64(s.touched) >= touchEvery {
		s.touched, touch = now, true
	}
	return known, touch
}

// has reports whether the index knows of a file.
func (x *index) has(h hash) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, found := x.places[h]
	return found
}

// remove forgets a file that is gone.
func (x *index) remove(h hash, evicted bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, found := x.places[h]
	if !found {
		return
	}
	x.growth -= int64(x.slots.at(i).blocks)
	x.slots.unlink(x.listOf(i), i)
	x.slots.give(i)
	delete(x.places, h)
	if x.gone != nil {
		x.gone[h] = struct{}{}
	}
	if evicted {
		x.evictions++
	}
}

// keep puts a file that can't be removed before all others, so that the next one is tried.
func (x *index) keep(h hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, found := x.places[h]; found {
		x.toFront(i)
	}
}

// victim returns the file that must go first of those that take lets us have.
func (x *index) victim(take func(hash) bool) (hash, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, l := range x.lists {
		i := l.tail
		for try := 0; i != 0 && try < maxTries; try++ {
			s := x.slots.at(i)
			if take(s.hash) {
				return s.hash, true
			}
			i = s.prev
		}
	}
	return hash{}, false
}

// setUntil notes when a file expires, where nobody has learned otherwise since.
func (x *index) setUntil(h hash, until uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, found := x.places[h]; found {
		x.slots.at(i).until = until
	}
}

func (x *index) stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	return Stats{Entries: len(x.places), Bytes: x.blocks() * blockLen, Evictions: x.evictions, Surveyed: x.surveyed}
}

// What follows needs the lock.

func (x *index) blocks() int64 {
	return x.lists[onProbation].blocks + x.lists[isProtected].blocks + x.pending + x.others
}

func (x *index) listOf(i uint32) *list { return &x.lists[x.slots.at(i).in] }

// add makes a slot, which isn't in a list yet. A file takes a block at least.
func (x *index) add(h hash, blocks, until, touched uint32) uint32 {
	i := x.slots.take()
	*x.slots.at(i) = slot{hash: h, blocks: max(blocks, 1), until: until, touched: touched, seen: x.survey}
	x.places[h] = i
	return i
}

// resize notes that a file was replaced by one of another length.
func (x *index) resize(i, blocks uint32) {
	s := x.slots.at(i)
	blocks = max(blocks, 1)
	x.listOf(i).blocks += int64(blocks) - int64(s.blocks)
	s.blocks = blocks
}

func (x *index) toFront(i uint32) {
	l := x.listOf(i)
	x.slots.unlink(l, i)
	x.slots.pushFront(l, i)
}

// promote protects a file, and puts on probation what was protected and is used least.
func (x *index) promote(i uint32) {
	x.slots.unlink(x.listOf(i), i)
	x.slots.at(i).in = isProtected
	protected := &x.lists[isProtected]
	x.slots.pushFront(protected, i)
	for protected.blocks > x.share && protected.tail != i {
		last := protected.tail
		x.slots.unlink(protected, last)
		x.slots.at(last).in = onProbation
		x.slots.pushFront(&x.lists[onProbation], last)
	}
}
