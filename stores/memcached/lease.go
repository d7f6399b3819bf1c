// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/holdover-go/holdover/store"
)

var _ store.Leaser = (*Store)(nil)

// errLease says that something else stands in the place of a lease. It is left alone.
var errLease = errors.New("what stands in the place of a lease isn't one")

// free stands where a lease was released: memcached deletes nothing on a condition.
var free store.Holder

// Lease gives the lease on key to the holder, or prolongs it, and returns who has it then.
// memcached counts in whole seconds, so the lease says itself when it ends, by the clock of the
// machine that took it: where the clocks of two differ, it ends as much earlier or later for the
// other, at most two seconds later. It ends early where a server evicts it or is started again.
func (s *Store) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	has, err := s.take(ctx, leaseItem(s.leaseName(key), holder, d))
	return has, s.values.Failure("lease", err)
}

// Release ends the holder's lease on key, and leaves the note if it isn't zero, for up to
// two seconds longer than d.
func (s *Store) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	item := leaseItem(s.leaseName(key), note, d)
	if note == free || d <= 0 {
		item = leaseItem(item.Key, free, 0)
		item.Expiration = 1 // the shortest there is
	}
	return s.values.Failure("release", s.letGo(ctx, holder, item))
}

// take puts the item where no lease is, or where its holder's is. Where somebody else was
// quicker, it looks again.
func (s *Store) take(ctx context.Context, item *memcache.Item) (store.Holder, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	holder := store.Holder(item.Value[:len(free)])
	for {
		old, has, err := s.standing(ctx, item.Key)
		if err != nil || has != holder && has != free {
			return has, err
		}
		switch err := s.replace(ctx, old, item); {
		case err == nil:
			return holder, nil
		case !lostRace(err):
			return free, err
		}
	}
}

// letGo puts the item in the place of the holder's lease, if that stands.
func (s *Store) letGo(ctx context.Context, holder store.Holder, item *memcache.Item) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	for {
		old, has, err := s.standing(ctx, item.Key)
		if err != nil || has != holder || has == free {
			return err
		}
		if err := s.replace(ctx, old, item); err == nil || !lostRace(err) {
			return err
		}
	}
}

// standing returns what stands under the name of a lease, nil for nothing, and who has it.
func (s *Store) standing(ctx context.Context, name string) (*memcache.Item, store.Holder, error) {
	old, err := call(ctx, s, func(c *memcache.Client) (*memcache.Item, error) { return c.Get(name) })
	switch {
	case errors.Is(err, memcache.ErrCacheMiss):
		return nil, free, nil
	case errors.Is(err, errTooLong):
		return nil, free, errLease
	case err != nil:
		return nil, free, err
	case len(old.Value) != len(free)+endLen:
		return nil, free, errLease
	}
	holder, end := store.Holder(old.Value[:len(free)]), old.Value[len(free):]
	if time.Now().UnixMilli() > int64(binary.BigEndian.Uint64(end)) {
		return old, free, nil
	}
	return old, holder, nil
}

// leaseName has 28 bytes behind the prefix, where the name of an entry has 32, and ends
// like none of these.
func (s *Store) leaseName(key string) string {
	hash := store.HashKey(key)
	return s.cfg.Prefix + base64.RawURLEncoding.EncodeToString(hash[:]) + ":lease"
}

// endLen is the length of the instant behind the holder's name, in Unix milliseconds.
const endLen = 8

// leaseItem lasts a second longer than rounded up: memcached counts the seconds that begin,
// so that an item of two seconds may be gone after one.
func leaseItem(name string, holder store.Holder, d time.Duration) *memcache.Item {
	life := min(max(d, 1), 1<<62) + time.Second
	now := time.Now()
	value := binary.BigEndian.AppendUint64(holder[:], uint64(now.Add(min(d, 1<<61)).UnixMilli()+1))
	return &memcache.Item{Key: name, Value: value, Expiration: expiration(life, now)}
}
