// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdover-go/holdover/store"
)

// reading is what a file held.
type reading struct {
	entry *store.Entry
	size  int64
}

// get returns the entry under key.
func (s *Store) get(ctx context.Context, key string) (*store.Entry, error) {
	h := hashOf(key)
	r, err := s.read(ctx, h, key)
	if err == nil {
		s.used(h, r.size)
	}
	return r.entry, err
}

// read returns what the file of an entry holds. What can't be read is not found.
func (s *Store) read(ctx context.Context, h hash, key string) (reading, error) {
	known := s.index.has(h)
	r, err := do(ctx, s.readers, func() (reading, error) { return s.open(h, key, known) }, nil)
	if err == errNoFile && s.index.has(h) {
		r, err = s.readAgain(ctx, h, key)
	}
	switch {
	case err == errNoFile:
		err = store.ErrNotFound
	case errors.Is(err, store.ErrFormat) && !errors.Is(err, store.ErrNotFound):
		err = &store.Error{Store: storeName, Op: "read", Err: fmt.Errorf("%w: %w", store.ErrNotFound, err)}
	}
	return r, err
}

// readAgain reads a file that should be there. It may have been away for the moment in
// which another took its place, or another process has evicted it.
func (s *Store) readAgain(ctx context.Context, h hash, key string) (reading, error) {
	if err := s.changes.lock(ctx, h); err != nil {
		return reading{}, err
	}
	defer s.changes.unlock(h)
	r, err := do(ctx, s.readers, func() (reading, error) { return s.open(h, key, false) }, nil)
	if err == errNoFile {
		s.index.remove(h, false)
	}
	return r, err
}

// open reads and decodes a file. A worker does both, since it has the bytes at hand.
//
// It doesn't believe a miss at once: if somebody deleted the folder and somebody else made
// it again, we look into one that is none any more.
func (s *Store) open(h hash, key string, known bool) (reading, error) {
	f := s.folder.Load()
	l, err := s.load(f, h, known)
	if err == errNoFile {
		if now := s.present(f, h.part()); now != f {
			l, err = s.load(now, h, false)
		}
	}
	if err != nil {
		return reading{}, err
	}
	e, err := s.decode(l, func(value []byte) (*store.Entry, error) { return s.values.Decode(key, value) })
	if err == store.ErrNotFound { // its storage life is over
		s.keeper.note(h, examine)
	}
	return reading{e, l.size}, err
}

// decode compares the checksum as well. store.Plain has done so when it decodes the value:
// twice would make a read by a twentieth slower.
func (s *Store) decode(l loaded, decode func(value []byte) (*store.Entry, error)) (e *store.Entry, err error) {
	if s.codec == store.Plain {
		return decode(l.value)
	}
	if err := l.head.checkSum(l.value); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // on a goroutine of ours it would end the process
			e, err = nil, fmt.Errorf("%w: the codec panicked with a %T", store.ErrFormat, p)
		}
	}()
	return decode(l.value)
}

// used notes a hit. What takes I/O is left to the keeper.
func (s *Store) used(h hash, size int64) {
	known, touch := s.index.hit(h, blocksOf(size))
	switch {
	case !known:
		s.keeper.note(h, learn)
	case touch:
		s.keeper.note(h, touchTime)
	}
}
