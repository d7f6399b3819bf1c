// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"iter"
	"time"

	"github.com/holdover-go/holdover/store"
)

// Scan yields the entries, in no order that could be relied on. It reads page after page,
// each of 4 MiB and one entry at most, and holds neither a connection nor a lock while it
// yields. It leaves out what can't be read, and what is set after it began.
func (s *Store) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		var from int64
		to, err := s.lastID(ctx)
		for err == nil && from < to {
			var entries []*store.Entry
			var last int64
			entries, last, err = s.readPage(ctx, from, to)
			if last == 0 {
				break
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			from = last
		}
		if err != nil {
			yield(nil, s.values.Failure("scan", err))
		}
	}
}

func (s *Store) lastID(ctx context.Context) (int64, error) {
	return call(ctx, s.calls, func(ctx context.Context) (id int64, err error) {
		err = s.row(ctx, lastID, []any{&id})
		return id, err
	})
}

// readPage returns the entries of the next rows behind from, and where these end: 0 where
// there are no more.
func (s *Store) readPage(ctx context.Context, from, to int64) ([]*store.Entry, int64, error) {
	type found struct {
		entries []*store.Entry
		last    int64
	}
	p, err := call(ctx, s.calls, func(ctx context.Context) (p found, err error) {
		err = s.do(ctx, page, func(q *statement) error {
			p = found{}
			var id int64
			var hash, value []byte
			return q.rows(ctx, []any{&id, &hash, &value}, func() {
				p.last = max(p.last, id)
				if e := s.readable(hash, value); e != nil {
					p.entries = append(p.entries, e)
				}
			}, from, to)
		})
		return p, err
	})
	return p.entries, p.last, err
}

// readable returns the entry of a row, or nil where Get wouldn't return it either.
func (s *Store) readable(hash, value []byte) *store.Entry {
	e, err := s.values.Codec.Decode(value)
	if err != nil || e.StoreUntil() <= time.Now().UnixNano() {
		return nil
	}
	if own := store.HashKey(e.Key()); string(own[:]) != string(hash) {
		return nil
	}
	return e
}
