// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/holdover-go/holdover/store"
)

// SetIfAbsent stores the entry where none stands under key, atomically, and reports
// whether it did.
func (s *Store) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.setUnless(ctx, key, e, func(*store.Entry) bool { return true })
	return done, s.failure("set if absent", err)
}

// SetIfNewer stores the entry where none stands under key or an older one, atomically,
// and reports whether it did.
func (s *Store) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.setUnless(ctx, key, e, func(old *store.Entry) bool { return !e.Newer(old) })
	return done, s.failure("set if newer", err)
}

// setUnless stores the entry unless one stands there that may stay. It looks what stands
// there and replaces exactly that; where another writer came between, it looks again.
func (s *Store) setUnless(ctx context.Context, key string, e *store.Entry, mayStay func(old *store.Entry) bool) (bool, error) {
	item, err := s.item(key, e)
	if err != nil {
		return false, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	name := s.name(key)
	for {
		old, err := call(ctx, s, func(c *memcache.Client) (*memcache.Item, error) { return c.Get(name) })
		if err != nil && !errors.Is(err, memcache.ErrCacheMiss) {
			return false, err
		}
		if old != nil {
			if standing, err := s.values.Decode(key, old.Value); err == nil && mayStay(standing) {
				return false, nil
			}
		}
		if item == nil { // its storage life is over
			return true, s.Delete(ctx, key)
		}
		switch err := s.replace(ctx, old, item); {
		case err == nil:
			return true, nil
		case !lostRace(err):
			return false, err
		}
	}
}

// replace sets the item where old stands, nil for nothing.
func (s *Store) replace(ctx context.Context, old, item *memcache.Item) error {
	if old == nil {
		return s.do(ctx, func(c *memcache.Client) error { return c.Add(item) })
	}
	item.CasID = old.CasID
	return s.do(ctx, func(c *memcache.Client) error { return c.CompareAndSwap(item) })
}

// lostRace reports that something else stands there than what was read.
func lostRace(err error) bool {
	return errors.Is(err, memcache.ErrNotStored) || errors.Is(err, memcache.ErrCASConflict) || errors.Is(err, memcache.ErrCacheMiss)
}
