// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"errors"

	"github.com/holdover-go/holdover/store"
)

// maxRounds is how often a conditional set looks again after another writer was quicker.
// Each time some writer has succeeded, so it is enough for as many at one key.
const maxRounds = 100

var errContended = errors.New("too many writers of one key")

// SetIfAbsent stores the entry where none stands under key, atomically, and reports whether
// it did. A value that has expired or can't be read doesn't stand in the way.
func (s *Store) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return s.setIf(ctx, "set if absent", key, e, nil)
}

// SetIfNewer stores the entry where none stands under key or an older one, atomically, and
// reports whether it did. A value that has expired or can't be read doesn't stand in the
// way.
func (s *Store) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return s.setIf(ctx, "set if newer", key, e, e.Newer)
}

func (s *Store) setIf(ctx context.Context, op, key string, e *store.Entry, replaces func(*store.Entry) bool) (bool, error) {
	r, err := s.rowOf(key, e)
	if err != nil {
		return false, s.values.Failure(op, err)
	}
	done, err := call(ctx, s.calls, func(ctx context.Context) (bool, error) { return s.compete(ctx, key, r, replaces) })
	if done && !r.expired {
		s.trimmer.wrote(ctx, len(r.value))
	}
	return done, s.values.Failure(op, err)
}

// compete looks at what stands and replaces exactly that, until there is a reason not to or
// nobody else was quicker. Without replaces nothing readable is replaced, and most likely
// nothing stands.
func (s *Store) compete(ctx context.Context, key string, r row, replaces func(*store.Entry) bool) (done bool, err error) {
	if replaces == nil && !r.expired {
		if done, err := s.putFirst(ctx, r); done || err != nil {
			return done, err
		}
	}
	for range maxRounds {
		var ver int64
		var value []byte
		err := s.row(ctx, look, []any{&ver, &value}, r.hash[:])
		switch {
		case errors.Is(err, store.ErrNotFound):
			done, err = s.putFirst(ctx, r)
		case err != nil:
		case ver == r.ver: // ours, of which the connection broke before we heard
			return true, nil
		default:
			if old, err := s.values.Decode(key, value); err == nil && (replaces == nil || !replaces(old)) {
				return false, nil
			}
			done, err = s.putOver(ctx, r, ver)
		}
		if done || err != nil {
			return done, err
		}
	}
	return false, errContended
}

// putFirst writes the row where none is.
func (s *Store) putFirst(ctx context.Context, r row) (bool, error) {
	if r.expired {
		return true, nil
	}
	n, err := s.exec(ctx, insert, r.args()...)
	return n > 0, err
}

// putOver writes the row in place of the one with that version.
func (s *Store) putOver(ctx context.Context, r row, ver int64) (bool, error) {
	if r.expired {
		n, err := s.exec(ctx, removeVersion, r.hash[:], ver)
		return n > 0, err
	}
	args := append(r.args(), ver)
	n, err := s.exec(ctx, swap, args...)
	if n == 0 && err == nil {
		n, err = s.exec(ctx, swapAnew, args...)
	}
	return n > 0, err
}
