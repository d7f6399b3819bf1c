// SPDX-License-Identifier: MIT

package marks

import (
	"time"

	"github.com/holdover-go/holdover/store"
)

// Covered reports whether another journal had all that was lost with this one the last time. It
// is for the goroutine that reads.
func (s *Shared) Covered() bool { return s.covered }

// coveredByOthers reports whether another journal has been read all the time since this one
// was read last, lacks nothing, and is written to by all who write into this one: a mark stands
// in each that could be reached, so that nothing is lost with this one.
func (s *Shared) coveredByOthers() bool {
	now := s.table.elapsed()
	for _, other := range s.table.shared {
		fresh := now-time.Duration(other.contact.Load()) < recent
		if other != s && fresh && other.Whole() && other.readSince() <= time.Duration(s.contact.Load()) && s.writtenTo(other) {
			return true
		}
	}
	return false
}

func (s *Shared) writtenTo(other *Shared) bool {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return s.writers.allWriteTo(&other.writers)
}

// readSince returns since when the journal has been read without a failure.
func (s *Shared) readSince() time.Duration {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if s.back == 0 {
		return 1<<63 - 1
	}
	return s.back
}

// unset is the floor of a journal that wasn't read since it has one.
const unset = ^uint64(0)

// setFloor is told that the journal was read to its end, by an attempt that began then. Who
// knows more than that knows it from after the loss of another journal.
func (s *Shared) setFloor(began time.Duration, position uint64) {
	if s.floor.Load() == unset && began >= time.Duration(s.floorFrom.Load()) {
		s.floor.CompareAndSwap(unset, max(position, 1))
	}
}

// recent is how long ago a journal that is being read was read at most.
const recent = time.Second

// copied reports, once, whether the journal is a copy of another one, epoch included, that
// has gone its own way since: as when a server was set up from the data of another. Its
// positions would be taken for those of the other.
func (s *Shared) copied(page store.JournalPage) bool {
	if page.More || s.renewed {
		return false
	}
	for _, other := range s.table.shared {
		r := other.read.Load()
		if other != s && r != nil && r.epoch == page.Epoch && r.position.Load() != page.Position().Seq {
			s.renewed = true
			return true
		}
	}
	return false
}
