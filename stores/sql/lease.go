// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

var _ store.Leaser = (*Store)(nil)

const (
	// dropLeasesEvery is how often, at most, a process that asks for leases looks for those
	// that have ended, and leasesPerDrop how many it drops at once.
	dropLeasesEvery = 30 * time.Second
	leasesPerDrop   = 500

	// leaseRest is how long what has ended stays, in milliseconds: somebody may want it
	// again at once.
	leaseRest = 10_000
)

// errLease says that the table of leases holds something else. It is left alone.
var errLease = errors.New("what stands in the place of a lease isn't one")

// leases are what a store needs for them.
type leases struct {
	schema   schema
	dropAt   atomic.Int64 // from which time on, in Unix nanoseconds, ended ones are dropped
	dropping atomic.Bool
}

// Lease gives the lease on key to the holder, or prolongs it, and returns who has it then.
// All stores on the same database and with the same Table share their leases, which end by
// the database's clock. Where the context ends first, it may take effect nevertheless.
func (s *Store) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	hash := store.HashKey(key)
	s.dropLeases()
	has, err := call(ctx, s.calls, func(ctx context.Context) (store.Holder, error) {
		for range maxRounds {
			has, err := s.takeLease(ctx, hash[:], holder[:], leaseTime(d))
			switch {
			case errors.Is(err, store.ErrNotFound): // another one was quicker, and has let go
			case err == nil && len(has) != len(holder):
				return store.Holder{}, errLease
			case err != nil:
				return store.Holder{}, err
			default:
				return store.Holder(has), nil
			}
		}
		return store.Holder{}, errContended
	})
	return has, s.values.Failure("lease", err)
}

// takeLease returns who has the lease after the holder has asked for it, or
// store.ErrNotFound where that changed meanwhile.
func (s *Store) takeLease(ctx context.Context, name, holder []byte, life int64) (has []byte, err error) {
	if !s.has(lookAtLease) {
		err = s.row(ctx, takeLease, []any{&has}, name, holder, life)
		return has, err
	}
	// Only one can write at a time, so those who wait for another's lease just read.
	err = s.row(ctx, lookAtLease, []any{&has}, name, holder)
	if !errors.Is(err, store.ErrNotFound) {
		return has, err
	}
	n, err := s.exec(ctx, takeLease, name, holder, life)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	return holder, err
}

// Release ends the holder's lease on key, and leaves the note for d if it isn't zero.
func (s *Store) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	hash := store.HashKey(key)
	_, err := call(ctx, s.calls, func(ctx context.Context) (int64, error) {
		if note == (store.Holder{}) || d <= 0 {
			return s.exec(ctx, freeLease, hash[:], holder[:])
		}
		return s.exec(ctx, noteLease, hash[:], holder[:], note[:], leaseTime(d))
	})
	return s.values.Failure("release", err)
}

// leaseTime returns milliseconds, rounded up, and one more for what the clock has begun.
func leaseTime(d time.Duration) int64 { return int64((max(d, 1)-1)/time.Millisecond) + 2 }

// dropLeases drops what has ended, in the background, if it is time for that.
func (s *Store) dropLeases() {
	l := &s.leases
	if time.Now().UnixNano() < l.dropAt.Load() || l.dropping.Swap(true) {
		return
	}
	rest := func() {
		l.dropAt.Store(time.Now().Add(dropLeasesEvery).UnixNano())
		l.dropping.Store(false)
	}
	started := s.calls.background(func(ctx context.Context) {
		defer rest()
		err := recovered(func() error {
			return s.trimmer.batches(ctx, leasesPerDrop, dropLeases, func() int64 { return leaseRest })
		})
		if err != nil && ctx.Err() == nil {
			s.trimmer.log.Warn("sql: leases could not be dropped, their table may grow", "table", s.trimmer.table, "error", err)
		}
	})
	if !started {
		rest()
	}
}
