// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"time"

	"github.com/holdover-go/holdover/store"
)

// Scan yields the entries of one subfolder after the other, also those that other
// processes have written. It leaves out what can't be read.
func (s *Store) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		for i := range numParts {
			if !s.scanPart(ctx, i, yield) {
				return
			}
		}
	}
}

func (s *Store) scanPart(ctx context.Context, i int, yield func(*store.Entry, error) bool) bool {
	list, err := step(ctx, s, func() ([]string, error) {
		part, err := s.folder.Load().part(i)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return names(part)
	})
	if err != nil {
		yield(nil, s.failure("scan", err))
		return false
	}
	for _, name := range list {
		h, ours := parseName(i, name)
		if !ours {
			continue
		}
		e, err := s.scanOne(ctx, h)
		switch {
		case err == errNoFile || errors.Is(err, store.ErrFormat):
		case err != nil:
			yield(nil, s.failure("scan", err))
			return false
		case !yield(e, nil):
			return false
		}
	}
	return true
}

func (s *Store) scanOne(ctx context.Context, h hash) (*store.Entry, error) {
	e, err := step(ctx, s, func() (*store.Entry, error) {
		l, err := s.load(s.folder.Load(), h, s.index.has(h))
		if err != nil {
			return nil, err
		}
		return s.decode(l, s.codec.Decode)
	})
	if err == nil && (hashOf(e.Key()) != h || e.StoreUntil() <= time.Now().UnixNano()) {
		err = errNoFile // or one that is as good as none
	}
	return e, err
}

// step is one access to the disk, which is bounded by itself where the scan isn't.
func step[T any](ctx context.Context, s *Store, f func() (T, error)) (T, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return do(ctx, s.readers, f, nil)
}
