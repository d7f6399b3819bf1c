// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// Holder is who has a lease: a random name, or one of the notes that a holder leaves
// instead of its own name.
type Holder [16]byte

// Notes that are left in place of a lease. While one stands nobody takes the lease: whoever
// finds it does without.
var (
	// LeaseFailed says that the fetch failed, and that nobody need wait for the
	// next one.
	LeaseFailed = Holder{15: 1}
	// LeaseUnshared says that the response was for one request only.
	LeaseUnshared = Holder{15: 2}
)

// IsNote reports whether the name is no holder's but a note.
func (h Holder) IsNote() bool { return h == LeaseFailed || h == LeaseUnshared }

// NewHolder returns a name that nobody else has.
func NewHolder() (h Holder) {
	rand.Read(h[:]) // never fails
	return h
}

// Leaser is implemented by stores that lease keys to one process at a time, so that only
// that one fetches. It saves requests to the origin and promises nothing: a lease ends by
// itself, also while its holder believes to have it.
//
// Leases have nothing to do with the entries under the same keys.
type Leaser interface {
	// Lease gives the lease on key to the holder for d if nobody has it, or prolongs
	// it to d from now if the holder has it already. It returns who has it then:
	// the holder, another one, or a note.
	Lease(ctx context.Context, key string, holder Holder, d time.Duration) (Holder, error)

	// Release ends the holder's lease on key. With a note, that stands in its place
	// for d; with the zero Holder, the lease is free. It does nothing where the
	// holder doesn't have the lease any more.
	Release(ctx context.Context, key string, holder, note Holder, d time.Duration) error
}

// LeaserOf returns what leases the store's keys, or errors.ErrUnsupported.
func LeaserOf(s Store) (Leaser, error) {
	switch s := s.(type) {
	case Leaser:
		return s, nil
	case interface{ LeaserOf() (Leaser, error) }: // it has one if what it wraps has
		return s.LeaserOf()
	}
	return nil, errors.ErrUnsupported
}
