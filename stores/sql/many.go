// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"errors"

	"github.com/holdover-go/holdover/store"
)

// GetMany returns the entries under keys in their order, nil for each that is not found, by
// one query. Where values can't be read, their entries are nil too, and beside the others
// comes an error that wraps store.ErrNotFound and store.ErrFormat. All other errors are
// failures and come without entries.
func (s *Store) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	hashes := make([]byte, 0, 16*len(keys))
	for _, key := range keys {
		hash := store.HashKey(key)
		hashes = append(hashes, hash[:]...)
	}
	values, err := call(ctx, s.calls, func(ctx context.Context) (values map[[16]byte][]byte, err error) {
		if len(keys) > 0 {
			err = s.do(ctx, getMany, func(q *statement) error { values, err = valuesOf(ctx, q, hashes); return err })
		}
		return values, err
	})
	if err != nil {
		return nil, s.values.Failure("get many", err)
	}
	entries := make([]*store.Entry, len(keys))
	var unreadable error
	for i, key := range keys {
		value, ok := values[[16]byte(hashes[16*i:])]
		if !ok {
			continue
		}
		e, err := s.values.Decode(key, value)
		if errors.Is(err, store.ErrFormat) {
			unreadable = err
		}
		entries[i] = e // nil with any error
	}
	return entries, unreadable
}

// valuesOf returns the values of hashes, which stand one behind the other.
func valuesOf(ctx context.Context, q *statement, hashes []byte) (map[[16]byte][]byte, error) {
	values := make(map[[16]byte][]byte, len(hashes)/16)
	var hash, value []byte
	err := q.rows(ctx, []any{&hash, &value}, func() {
		if len(hash) == 16 {
			values[[16]byte(hash)] = value
		}
	}, hashes)
	return values, err
}
