// SPDX-License-Identifier: MIT

package memory

import (
	"context"
	"sync"
	"time"

	"github.com/holdover-go/holdover/store"
)

var _ store.Leaser = (*Store)(nil)

// maxLeases is how many leases and notes are kept, in 8 MiB at most.
const maxLeases = 1 << 16

// leases are those of a store. The zero value is empty.
type leases struct {
	mu    sync.Mutex
	held  map[[16]byte]lease // by the hash of the key
	sweep int                // how many make it look for those that have ended
}

// lease is who has a key and how long: by the monotonic clock, so that a step of the wall
// clock neither ends a lease nor makes it last.
type lease struct {
	holder store.Holder
	until  time.Time
}

// Lease gives the lease on key to the holder, or prolongs it, and returns who has it then.
// It is for several caches in one process that share the store. Beyond 65,536 leases and
// notes at once some are forgotten.
func (s *Store) Lease(_ context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	if err := s.shards[0].open(); err != nil {
		return store.Holder{}, failure("lease", err)
	}
	return s.leases.take(store.HashKey(key), holder, d), nil
}

// Release ends the holder's lease on key, and leaves the note for d if it isn't zero.
func (s *Store) Release(_ context.Context, key string, holder, note store.Holder, d time.Duration) error {
	if err := s.shards[0].open(); err != nil {
		return failure("release", err)
	}
	s.leases.release(store.HashKey(key), holder, note, d)
	return nil
}

func (l *leases) take(key [16]byte, holder store.Holder, d time.Duration) store.Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	old, found := l.held[key]
	if found && old.holder != holder && now.Before(old.until) {
		return old.holder
	}
	if !found {
		l.makeRoom(now)
	}
	l.held[key] = lease{holder, now.Add(d)}
	return holder
}

func (l *leases) release(key [16]byte, holder, note store.Holder, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	old, found := l.held[key]
	switch {
	case !found || old.holder != holder:
	case note == store.Holder{} || !now.Before(old.until):
		delete(l.held, key)
	default:
		l.held[key] = lease{note, now.Add(d)}
	}
}

// makeRoom drops what has ended whenever there are twice as many as were left the last
// time, and what it meets first if there are too many even so. It needs the lock.
func (l *leases) makeRoom(now time.Time) {
	if l.held == nil {
		l.held = map[[16]byte]lease{}
	}
	if len(l.held) < l.sweep {
		return
	}
	for key, one := range l.held {
		if !now.Before(one.until) {
			delete(l.held, key)
		}
	}
	for key := range l.held {
		if len(l.held) <= maxLeases/4*3 {
			break
		}
		delete(l.held, key)
	}
	l.sweep = min(max(2*len(l.held), 64), maxLeases)
}
