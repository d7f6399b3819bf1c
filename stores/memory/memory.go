// SPDX-License-Identifier: MIT

// Package memory keeps entries in this process, bounded in bytes.
//
// What it evicts is decided by a segmented LRU: an entry starts on probation
// and is moved to the protected segment only if somebody asked for it again
// before its turn to go came. So a crawler that walks through a million pages
// once drives out other pages that were asked for once, and not the popular ones.
package memory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"

	"github.com/holdover-go/holdover/store"
)

const (
	defaultMaxBytes = 256 << 20
	minMaxBytes     = 64 << 10

	// A shard holds at least eight of the largest bodies that the cache stores
	// by default, so that sharding costs hits only where entries are huge.
	bytesPerShard = 8 * 8 << 20
	maxShards     = 16
)

// The powers that a Store has.
var (
	_ store.Store        = (*Store)(nil)
	_ store.BytesGetter  = (*Store)(nil)
	_ store.AbsentSetter = (*Store)(nil)
	_ store.NewerSetter  = (*Store)(nil)
	_ store.Scanner      = (*Store)(nil)
	_ store.Pinger       = (*Store)(nil)
	_ store.Closer       = (*Store)(nil)
)

// Config configures a Store. The zero value is usable.
type Config struct {
	// MaxBytes bounds the memory that the entries take: their encoded form,
	// what the store needs to find them, and the decoded view that the cache
	// keeps of an entry that was asked for. The Go heap grows beyond that by
	// what the garbage collector is allowed to leave, see GOGC and GOMEMLIMIT.
	//
	// 0 means 256 MiB; less than 64 KiB is refused. The store is divided into
	// one shard for every 64 MiB, at most 16, and no entry may be larger than
	// a shard.
	MaxBytes int64
}

// Store keeps entries in memory. Its methods never block and ignore their
// context. It must be closed to stop its timer.
type Store struct {
	seed   maphash.Seed
	clock  clock
	shards []*shard
	sweep  sweeper
	leases leases
}

// New returns an empty store, or an error that names the field of cfg that is wrong.
func New(cfg Config) (*Store, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.MaxBytes < minMaxBytes {
		return nil, fmt.Errorf("memory: MaxBytes is %d, must be 0 or at least %d", cfg.MaxBytes, minMaxBytes)
	}
	n := min(max(cfg.MaxBytes/bytesPerShard, 1), maxShards)
	s := &Store{seed: maphash.MakeSeed(), shards: make([]*shard, n)}
	s.clock.set()
	for i := range s.shards {
		sh, err := newShard(cfg.MaxBytes/n, &s.clock)
		if err != nil {
			return nil, err
		}
		s.shards[i] = sh
	}
	s.sweep.run = s.dropExpired
	return s, nil
}

// Local reports true: the store is in this process.
func (s *Store) Local() bool { return true }

// Get returns the entry stored under key, or store.ErrNotFound.
func (s *Store) Get(_ context.Context, key string) (*store.Entry, error) {
	hash := maphash.String(s.seed, key)
	e, err := s.shard(hash).get(hash, []byte(key), s.clock.now())
	return e, failure("get", err)
}

// GetBytes is Get with the key as bytes and the present instant. A hit allocates nothing.
func (s *Store) GetBytes(_ context.Context, key []byte, now int64) (*store.Entry, error) {
	hash := maphash.Bytes(s.seed, key)
	e, err := s.shard(hash).get(hash, key, now)
	return e, failure("get", err)
}

// Set stores the entry under key. An entry that is larger than a shard is
// refused with store.ErrTooLarge, and what stood under key is dropped.
func (s *Store) Set(_ context.Context, key string, e *store.Entry) error {
	_, err := s.set(key, e, func(*store.Entry) bool { return true })
	return failure("set", err)
}

// SetIfAbsent stores the entry where none stands under key, atomically, and
// reports whether it did.
func (s *Store) SetIfAbsent(_ context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.set(key, e, func(*store.Entry) bool { return false })
	return done, failure("set if absent", err)
}

// SetIfNewer stores the entry where none stands under key or an older one,
// atomically, and reports whether it did.
func (s *Store) SetIfNewer(_ context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.set(key, e, e.Newer)
	return done, failure("set if newer", err)
}

// Delete drops what is stored under key.
func (s *Store) Delete(_ context.Context, key string) error {
	hash := maphash.String(s.seed, key)
	return failure("delete", s.shard(hash).delete(hash, []byte(key)))
}

// Ping returns nil until the store is closed.
func (s *Store) Ping(context.Context) error {
	return failure("ping", s.shards[0].open())
}

// Close drops all entries and stops the timer. It waits for a sweep under way.
// All other methods fail with store.ErrClosed from then on; Close may be called
// again.
func (s *Store) Close() error {
	for _, sh := range s.shards {
		sh.close()
	}
	s.sweep.close()
	return nil
}

// Stats are figures of a store.
type Stats struct {
	Entries   int    // how many it holds
	Bytes     int64  // what they take of MaxBytes
	Evictions uint64 // how many it dropped to make room, since it was made
}

// Stats returns the figures of now.
func (s *Store) Stats() Stats {
	var sum Stats
	for _, sh := range s.shards {
		sh.addStats(&sum)
	}
	return sum
}

func (s *Store) set(key string, e *store.Entry, replace func(old *store.Entry) bool) (bool, error) {
	if !s.sweep.armed.Load() {
		s.clock.set()
	}
	r := &resident{entry: e, hash: maphash.String(s.seed, key)}
	if !e.KeyIs([]byte(key)) {
		kept := key // a variable of its own, so that only this case allocates
		r.key = &kept
	}
	done, err := s.shard(r.hash).set(r, []byte(key), replace)
	if done {
		s.sweep.arm()
	}
	return done, err
}

// shard takes the upper bits of the hash, as a number below the number of shards.
func (s *Store) shard(hash uint64) *shard {
	i, _ := bits.Mul64(hash, uint64(len(s.shards)))
	return s.shards[i]
}

// failure wraps what is a failure of the store. A miss is none.
func failure(op string, err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &store.Error{Store: "memory", Op: op, Err: err}
}
