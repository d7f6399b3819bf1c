// SPDX-License-Identifier: MIT

package memory

import (
	"sync"

	"github.com/holdover-go/holdover/store"
)

// shard is an independent part of the store. A resident is found by its hash;
// of two keys with the same one it holds the later.
type shard struct {
	mu        sync.RWMutex
	clock     *clock
	probation segment
	protected segment
	all       []*resident // in no order, to walk over in small steps
	limit     int64       // bytes in both segments
	share     int64       // bytes in the protected one
	evictions uint64
	closed    bool

	_ [64]byte // keeps the locks of two shards on different cache lines
}

func newShard(limit int64, c *clock) (*shard, error) {
	s := &shard{clock: c, limit: limit, share: limit / 100 * protectedPercent}
	if err := s.probation.init(); err != nil {
		return nil, err
	}
	if err := s.protected.init(); err != nil {
		return nil, err
	}
	return s, nil
}

// get takes no more than the read lock for a hit, but for the one that raises
// the shard above its limit.
func (s *shard) get(hash uint64, key []byte, now int64) (*store.Entry, error) {
	s.mu.RLock()
	r, in := s.find(hash)
	if r == nil || !r.keyIs(key) {
		err := s.miss()
		s.mu.RUnlock()
		return nil, err
	}
	if r.expired(now) {
		s.mu.RUnlock()
		s.drop(r)
		return nil, store.ErrNotFound
	}
	over := in.touch(r) && s.bytes() > s.limit
	s.mu.RUnlock()
	if over {
		s.shrink()
	}
	return r.entry, nil
}

// set puts r in the place of what stands under its key, if replace agrees. It
// reports whether it did.
func (s *shard) set(r *resident, key []byte, replace func(old *store.Entry) bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, store.ErrClosed
	}
	now := s.clock.now()
	old, in := s.find(r.hash)
	if old != nil && old.keyIs(key) && !old.expired(now) && !replace(old.entry) {
		return false, nil
	}
	if old == nil {
		in = &s.probation
	} else {
		// A popular entry that was replaced stays where it is.
		r.marks.Store(old.marks.Load() & hit)
		s.remove(old, in)
	}
	if r.cost()+int64(r.entry.ViewSize()) > s.limit {
		return false, store.ErrTooLarge
	}
	if !r.expired(now) {
		s.add(r, in)
		s.trim(r)
	}
	return true, nil
}

func (s *shard) delete(hash uint64, key []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	if r, in := s.find(hash); r != nil && r.keyIs(key) {
		s.remove(r, in)
	}
	return nil
}

// drop removes these residents, where they haven't been replaced meanwhile.
func (s *shard) drop(rs ...*resident) {
	if len(rs) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		if found, in := s.find(r.hash); found == r {
			s.remove(r, in)
		}
	}
}

// page copies residents into buf, from index from-1 downwards, and returns them
// with the index to go on from. That is 0 after the last. Since a hole is
// filled by the last of all, a walk downwards meets each that stays; it may
// meet one twice while others go.
func (s *shard) page(from int, buf []*resident) ([]*resident, int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from = min(from, len(s.all))
	next := max(from-cap(buf), 0)
	return append(buf[:0], s.all[next:from]...), next
}

func (s *shard) open() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	return nil
}

func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.all = nil
	s.probation.purge()
	s.protected.purge()
}

func (s *shard) addStats(sum *Stats) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sum.Entries += len(s.all)
	sum.Bytes += s.bytes()
	sum.Evictions += s.evictions
}

// What follows needs the lock.

// find returns the resident with that hash and its segment. The protected one
// comes first since most hits are found there.
func (s *shard) find(hash uint64) (*resident, *segment) {
	if r := s.protected.at(hash); r != nil {
		return r, &s.protected
	}
	if r := s.probation.at(hash); r != nil {
		return r, &s.probation
	}
	return nil, nil
}

func (s *shard) miss() error {
	if s.closed {
		return store.ErrClosed
	}
	return store.ErrNotFound
}

func (s *shard) bytes() int64 { return s.probation.bytes.Load() + s.protected.bytes.Load() }

func (s *shard) add(r *resident, in *segment) {
	r.place = uint32(len(s.all))
	s.all = append(s.all, r)
	in.add(r)
}

func (s *shard) remove(r *resident, in *segment) {
	in.remove(r)
	last := len(s.all) - 1
	s.all[r.place] = s.all[last]
	s.all[r.place].place = r.place
	s.all[last] = nil
	s.all = s.all[:last]
}
