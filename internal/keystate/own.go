// SPDX-License-Identifier: MIT

package keystate

import (
	"sync"
	"time"
)

const (
	// ownBits are the bits of one generation, one in ownShare of which is set at most, and two
	// generations count: so whatever credentials somebody invents, seven of eight of the
	// others are not taken for his.
	ownBits  = 1 << 20
	ownShare = 16
	// ownFor is how long a generation is written. What was noted holds for one to two.
	ownFor = 2 * time.Minute
)

// Own remembers who got a page for himself alone that others share. Its memory is bounded,
// and it is safe for concurrent use. It may take one for another, never the other way
// round while it holds.
type Own struct {
	mu    sync.Mutex
	since int64 // when the present generation began
	set   int   // how many of its bits are set
	bits  [2][]uint64
}

// Note notes a hash of key and credentials at the instant now, in Unix nanoseconds, and
// reports whether it was not there.
func (o *Own) Note(hash uint64, now int64) (another bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turn(now)
	if o.bits[0] == nil {
		o.bits[0] = make([]uint64, ownBits/64)
	}
	another = !has(o.bits[0], hash) && !has(o.bits[1], hash)
	if has(o.bits[0], hash) || o.set >= ownBits/ownShare {
		return another
	}
	o.bits[0][hash%ownBits/64] |= 1 << (hash % 64)
	o.set++
	return another
}

// Has reports whether it was noted a short while ago.
func (o *Own) Has(hash uint64, now int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turn(now)
	return has(o.bits[0], hash) || has(o.bits[1], hash)
}

func has(bits []uint64, hash uint64) bool {
	return bits != nil && bits[hash%ownBits/64]&(1<<(hash%64)) != 0
}

// turn begins a new generation when it is time, or when the clock was set back.
func (o *Own) turn(now int64) {
	age := now - o.since
	switch {
	case age >= -int64(maxSkew) && age < int64(ownFor):
		return
	case age >= 0 && age < 2*int64(ownFor):
		o.bits[0], o.bits[1] = o.bits[1], o.bits[0]
	default:
		o.bits[1] = nil
	}
	clear(o.bits[0])
	o.since, o.set = now, 0
}
