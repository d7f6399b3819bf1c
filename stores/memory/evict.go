// SPDX-License-Identifier: MIT

package memory

const (
	// protectedPercent is the part of a shard that entries may take for good
	// that were asked for more than once. The rest is where new ones prove
	// themselves.
	protectedPercent = 80

	// maxMoves bounds how many entries are moved before one must go, so that
	// nobody waits long for the lock after a time of nothing but hits.
	maxMoves = 256
)

// shrink is trim for those who don't hold the lock.
func (s *shard) shrink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(nil)
}

// trim evicts until the shard is within its limit. It never evicts fresh, the
// one that was just added.
func (s *shard) trim(fresh *resident) {
	for moves := 0; s.bytes() > s.limit; moves++ {
		if evicted := s.step(fresh, moves >= maxMoves); evicted {
			moves = 0
		}
	}
}

// step moves one entry or evicts one, and reports whether it evicted. Where it
// must evict it does so whether or not the oldest was asked for.
func (s *shard) step(fresh *resident, must bool) (evicted bool) {
	oldest := s.probation.oldest()
	switch {
	case s.protected.bytes.Load() > s.share && !must:
		s.demote()
	case oldest == nil || oldest == fresh && s.probation.list.Len() == 1:
		s.evict(s.protected.oldest(), &s.protected)
		return true
	case oldest == fresh:
		s.probation.moveToFront(oldest)
	case oldest.marks.Load()&hit != 0 && !must:
		s.promote(oldest)
	default:
		s.evict(oldest, &s.probation)
		return true
	}
	return false
}

// promote protects an entry that was asked for while on probation.
func (s *shard) promote(r *resident) {
	r.clear(hit)
	s.probation.remove(r)
	s.protected.add(r)
}

// demote puts the oldest of the protected segment on probation again, unless
// it was asked for meanwhile. What is on probation needs no view.
func (s *shard) demote() {
	r := s.protected.oldest()
	if r.clear(hit) {
		s.protected.moveToFront(r)
		return
	}
	s.protected.remove(r)
	r.clear(viewed)
	r.entry.SetView(nil)
	s.probation.add(r)
}

func (s *shard) evict(r *resident, in *segment) {
	s.remove(r, in)
	s.evictions++
}
