// SPDX-License-Identifier: MIT

// Package store says what Holdover stores and where.
//
// A [Store] keeps immutable entries under string keys. It decides nothing:
// whether a stored response is fresh, which request it may answer and whether
// it was purged is judged by the cache on every use. So no guarantee of the
// cache rests on a store's deletes, expiry or order, and a store may be as
// simple as a map.
package store

import (
	"context"
	"errors"
	"fmt"
)

// Store keeps entries under canonical key texts.
//
// Keys are arbitrary strings of up to [MaxKeyLen] bytes and may be kept. A
// store whose backend limits the length or the alphabet of keys hashes them
// itself, see [HashKey].
//
// Entries are immutable and may be kept and shared without copying.
//
// A store may drop an entry whenever it likes. It must not return one after its
// [Entry.StoreUntil], and must not drop one merely because it is stale: stale
// responses are what a cache answers with while the origin fails.
//
// Methods may be called concurrently. A Get that begins after a Set of the same
// key returned sees that entry, a later one or none, except where the backend
// itself gives no such promise (replicas, tiers).
//
// Every method obeys its context: it returns soon after the context ended, with
// an error that wraps the context's. It never retries past the deadline.
type Store interface {
	// Get returns the entry stored under key, or ErrNotFound. Every other
	// error is a failure of the store. What can't be read (damaged,
	// foreign, of an unknown format) is not found; the error then wraps
	// ErrFormat too, so that somebody hears of it. It is left alone until
	// something is set in its place.
	Get(ctx context.Context, key string) (*Entry, error)

	// Set stores the entry under key in place of what was there. How long
	// it is kept is the entry's own StoreUntil.
	Set(ctx context.Context, key string, e *Entry) error

	// Delete drops what is stored under key. It is housekeeping and returns
	// nil when nothing was there.
	Delete(ctx context.Context, key string) error
}

// MaxKeyLen is the length in bytes of the longest key that a store must accept.
const MaxKeyLen = 64 << 10

// Errors that stores return and callers test with errors.Is.
var (
	// ErrNotFound says that nothing is stored under the key. It is neutral:
	// it says nothing about the health of the store.
	ErrNotFound = errors.New("not found")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")

	// ErrTooLarge says that the entry exceeds what the store can ever hold.
	ErrTooLarge = errors.New("entry is too large for the store")
)

// Error is a failure of a store. It names the store and the operation, never a
// key: keys hold query strings, and these hold secrets.
type Error struct {
	Store string // the store's name, such as "memory" or "redis"
	Op    string // "get", "set", "delete", …
	Err   error
}

// Error returns the store, the operation and the cause.
func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Store, e.Op, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
