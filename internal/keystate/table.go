// SPDX-License-Identifier: MIT

// Package keystate remembers what a process learned about cache keys: one
// bounded table, looked at where no fresh entry was found. It may lose any of it
// at any time; then the process learns it again.
package keystate

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// DefaultMax is how many keys a table holds where the caller doesn't say.
const DefaultMax = 65536

// A table is split into up to maxShards parts with a lock of their own, each of
// at least minPerShard keys: in smaller ones, unevenly spread keys would evict
// each other while others stand half empty.
const (
	maxShards   = 32
	minPerShard = 256
)

// Table holds the state of the keys that were used last. Keys are addressed by
// 64-bit hashes; two keys with the same hash share a state, which does no more
// harm than to make the cache somewhat too careful or too bold about one of them.
// It is safe for concurrent use.
type Table struct {
	shards []shard
}

type shard struct {
	mu     sync.Mutex
	states *simplelru.LRU[uint64, *State]
}

// New returns an empty table for max keys; 0 or less means DefaultMax.
func New(max int) *Table {
	if max <= 0 {
		max = DefaultMax
	}
	n := min(maxShards, (max+minPerShard-1)/minPerShard)
	t := &Table{shards: make([]shard, n)}
	for i := range t.shards {
		size := (max + i) / n // adds up to max
		// The only error is a size below 1, which n rules out.
		t.shards[i].states, _ = simplelru.NewLRU[uint64, *State](size, nil)
	}
	return t
}

// Get returns a copy of what is known about the key.
func (t *Table) Get(hash uint64) (State, bool) {
	sh := t.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if st, ok := sh.states.Get(hash); ok {
		return *st, true
	}
	return State{}, false
}

// Update calls f with the state of the key, a zero one if nothing is known, to
// read and change it. Calls for one key never overlap. f must be short: other
// keys wait for it; it must not keep the state nor use the table.
func (t *Table) Update(hash uint64, f func(*State)) {
	sh := t.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	st, ok := sh.states.Get(hash)
	if !ok {
		st = new(State)
		sh.states.Add(hash, st)
	}
	f(st)
}

// Len returns how many keys the table holds.
func (t *Table) Len() (n int) {
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.Lock()
		n += sh.states.Len()
		sh.mu.Unlock()
	}
	return n
}

// shard spreads by the upper half of a product, so that hashes need not be well
// mixed in any particular bits.
func (t *Table) shard(hash uint64) *shard {
	const golden = 0x9e3779b97f4a7c15
	mixed := hash * golden >> 32
	return &t.shards[mixed*uint64(len(t.shards))>>32]
}
