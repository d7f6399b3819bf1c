// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"time"
)

// The optional powers of a store are small interfaces. They are reached only
// through the functions of this file, which fall back on the three methods of
// Store or return errors.ErrUnsupported. A store that wraps another implements
// all of them by calling these functions, so that wrapping hides nothing.

// BytesGetter is implemented by stores in this process that find an entry by
// the bytes of its key without allocating. now is the present instant in Unix
// nanoseconds: whoever serves a hit has read the clock already.
type BytesGetter interface {
	GetBytes(ctx context.Context, key []byte, now int64) (*Entry, error)
}

// Local is implemented by stores that can tell whether they are in this process:
// their methods neither block nor fail, so that they are called on a client's path
// without a deadline. A wrapper is local if all that it wraps is.
type Local interface{ Local() bool }

// IsLocal reports whether the store is in this process. Without the power it isn't.
func IsLocal(s Store) bool {
	l, ok := s.(Local)
	return ok && l.Local()
}

// GetBytes is Get with the key as bytes. The store must not keep key.
func GetBytes(ctx context.Context, s Store, key []byte) (*Entry, error) {
	if g, ok := s.(BytesGetter); ok {
		return g.GetBytes(ctx, key, time.Now().UnixNano())
	}
	return s.Get(ctx, string(key))
}

// ManyGetter is implemented by stores that read several keys in one round trip.
type ManyGetter interface {
	GetMany(ctx context.Context, keys []string) ([]*Entry, error)
}

// GetMany returns the entries under keys in their order, nil for each that is
// not found. An error that wraps ErrNotFound comes beside the entries: it tells of a
// value that can't be read, see [Values.Decode]. With any other there are none.
// Without the power it gets one after the other and stops at the first failure.
func GetMany(ctx context.Context, s Store, keys []string) ([]*Entry, error) {
	if g, ok := s.(ManyGetter); ok {
		return g.GetMany(ctx, keys)
	}
	entries := make([]*Entry, len(keys))
	var unreadable error
	for i, key := range keys {
		e, err := s.Get(ctx, key)
		switch {
		case err == nil:
			entries[i] = e
		case !errors.Is(err, ErrNotFound):
			return nil, err
		case errors.Is(err, ErrFormat):
			unreadable = err
		}
	}
	return entries, unreadable
}

// AbsentSetter is implemented by stores that set an entry atomically only where
// none stands.
type AbsentSetter interface {
	SetIfAbsent(ctx context.Context, key string, e *Entry) (bool, error)
}

// SetIfAbsent stores the entry where none stands under key, and reports whether
// it did. Without the power it looks first and then sets: two callers at once
// may both succeed.
func SetIfAbsent(ctx context.Context, s Store, key string, e *Entry) (bool, error) {
	if a, ok := s.(AbsentSetter); ok {
		return a.SetIfAbsent(ctx, key, e)
	}
	switch _, err := s.Get(ctx, key); {
	case err == nil:
		return false, nil
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	err := s.Set(ctx, key, e)
	return err == nil, err
}

// NewerSetter is implemented by stores that atomically keep the newer of what
// stands and what is set, see [Entry.Newer].
type NewerSetter interface {
	SetIfNewer(ctx context.Context, key string, e *Entry) (bool, error)
}

// SetIfNewer stores the entry where none stands under key or an older one, and
// reports whether it did. Without the power it looks first and then sets.
func SetIfNewer(ctx context.Context, s Store, key string, e *Entry) (bool, error) {
	if n, ok := s.(NewerSetter); ok {
		return n.SetIfNewer(ctx, key, e)
	}
	switch old, err := s.Get(ctx, key); {
	case err == nil && !e.Newer(old):
		return false, nil
	case err != nil && !errors.Is(err, ErrNotFound):
		return false, err
	}
	err := s.Set(ctx, key, e)
	return err == nil, err
}

// Scanner is implemented by stores that can list what they hold.
type Scanner interface {
	Scan(ctx context.Context) iter.Seq2[*Entry, error]
}

// Scan yields the stored entries in no order; one that is set or dropped during
// the scan may or may not be yielded. An error ends the scan. Without the power
// the only pair yielded is nil and errors.ErrUnsupported.
func Scan(ctx context.Context, s Store) iter.Seq2[*Entry, error] {
	if sc, ok := s.(Scanner); ok {
		return sc.Scan(ctx)
	}
	return func(yield func(*Entry, error) bool) { yield(nil, errors.ErrUnsupported) }
}

// Pinger is implemented by stores that can be asked whether they answer.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Ping asks the store whether it answers. Without the power it gets a key that
// nobody sets: ErrNotFound is an answer too.
func Ping(ctx context.Context, s Store) error {
	if p, ok := s.(Pinger); ok {
		return p.Ping(ctx)
	}
	if _, err := s.Get(ctx, "ping"); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Closer is implemented by stores that own something that must be released.
type Closer interface {
	Close() error
}

// Close releases what the store owns. Without the power there is nothing to do.
func Close(s Store) error {
	if c, ok := s.(Closer); ok {
		return c.Close()
	}
	return nil
}

// HashKey returns 128 bits of the SHA-256 of key, for backends that limit keys.
// Who stores under a hash compares the entry's own key on reading, since two
// keys may share one.
func HashKey(key string) [16]byte {
	sum := sha256.Sum256([]byte(key))
	return [16]byte(sum[:16])
}
