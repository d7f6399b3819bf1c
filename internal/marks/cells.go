// SPDX-License-Identifier: MIT

package marks

import "sync/atomic"

const (
	sizeBits = 20
	size     = 1 << sizeBits // cells in an array
	perMark  = 4             // cells of a hash
)

// cells is an array of positions addressed by hash.
type cells struct {
	at     [size]atomic.Uint64
	raised atomic.Int64 // cells that are not 0
}

// index returns the i-th cell of a hash. The first three are disjoint bits of
// it; the fourth mixes them all, as 64 bits don't hold four numbers of 20.
func index(hash uint64, i int) uint64 {
	if i < 3 {
		return hash >> (i * sizeBits) & (size - 1)
	}
	const golden = 0x9e3779b97f4a7c15
	return hash * golden >> (64 - sizeBits)
}

// raise sets the cells of hash to a position larger than all so far. One caller
// at a time.
func (c *cells) raise(hash, position uint64) {
	for i := range perMark {
		if c.at[index(hash, i)].Swap(position) == 0 {
			c.raised.Add(1)
		}
	}
}

// behind reports whether all cells of hash lie behind asOf. Mostly the first one
// doesn't.
func (c *cells) behind(hash, asOf uint64) bool {
	return c.at[hash&(size-1)].Load() > asOf && c.othersBehind(hash, asOf)
}

func (c *cells) othersBehind(hash, asOf uint64) bool {
	for i := 1; i < perMark; i++ {
		if c.at[index(hash, i)].Load() <= asOf {
			return false
		}
	}
	return true
}
