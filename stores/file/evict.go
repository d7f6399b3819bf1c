// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"time"
)

// lookAgain is how soon who needs room looks again, where every file is just changing.
const lookAgain = time.Millisecond

// makeRoom reserves room for a file and evicts what must go for it, which may be the
// file that is to be replaced. It doesn't wait in vain: Store.room keeps what is being
// written to half of the bound, and nobody holds any other file for longer than a moment.
func (s *Store) makeRoom(ctx context.Context, blocks uint32) error {
	for !s.index.reserve(blocks) {
		found, err := s.evictOne()
		if err == nil && !found {
			err = pause(ctx, lookAgain)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evict removes files of that size together, or what there is.
func (s *Store) evict(blocks uint32) {
	goal := s.index.stats().Bytes - int64(blocks)*blockLen
	for s.index.stats().Bytes > goal {
		if found, err := s.evictOne(); err != nil || !found {
			return
		}
	}
}

// trim evicts what stands above the bound, because it was found there.
func (s *Store) trim() {
	for s.index.over() {
		if found, err := s.evictOne(); err != nil || !found {
			return
		}
	}
}

// evictOne removes the file that must go first, and reports whether there is one.
func (s *Store) evictOne() (bool, error) {
	victim, found := s.index.victim(s.changes.tryLock)
	if !found {
		return false, nil
	}
	defer s.changes.unlock(victim)
	return true, s.discard(victim, true)
}

// discard removes a file, for whose change the caller has the lock.
func (s *Store) discard(h hash, evicted bool) error {
	if err := s.removeFile(h); err != nil {
		s.index.keep(h)
		return err
	}
	s.index.remove(h, evicted)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
