// SPDX-License-Identifier: MIT

package memory

import (
	"math"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// segment is one of the two lists of a shard, with the sum of its costs. The
// list has no bound of its own: the shard evicts by bytes.
type segment struct {
	list  *simplelru.LRU[uint64, *resident]
	bytes atomic.Int64
}

func (g *segment) init() (err error) {
	g.list, err = simplelru.NewLRU[uint64, *resident](math.MaxInt, nil)
	return err
}

func (g *segment) add(r *resident) {
	g.list.Add(r.hash, r)
	g.bytes.Add(r.cost())
}

func (g *segment) remove(r *resident) {
	g.list.Remove(r.hash)
	g.bytes.Add(-r.cost())
}

func (g *segment) at(hash uint64) *resident {
	r, _ := g.list.Peek(hash)
	return r
}

// oldest returns nil where the segment is empty.
func (g *segment) oldest() *resident {
	_, r, _ := g.list.GetOldest()
	return r
}

func (g *segment) moveToFront(r *resident) { g.list.Get(r.hash) }

func (g *segment) purge() {
	g.list.Purge()
	g.bytes.Store(0)
}

// touch notes a hit, under the read lock. It reports whether that raised the
// cost, which happens at the first one.
func (g *segment) touch(r *resident) bool {
	const both = hit | viewed
	if r.marks.Load()&both == both || r.marks.Or(both)&viewed != 0 {
		return false
	}
	g.bytes.Add(int64(r.entry.ViewSize()))
	return true
}
