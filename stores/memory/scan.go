// SPDX-License-Identifier: MIT

package memory

import (
	"context"
	"iter"
	"math"

	"github.com/holdover-go/holdover/store"
)

// Scan yields the entries in no order. It locks a shard only for moments, so
// that an entry may be yielded twice while others are dropped.
func (s *Store) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		buf := make([]*resident, 0, pageLen)
		for _, sh := range s.shards {
			if !sh.scan(ctx, buf, yield) {
				return
			}
		}
	}
}

func (s *shard) scan(ctx context.Context, buf []*resident, yield func(*store.Entry, error) bool) bool {
	for from := math.MaxInt; from > 0; {
		err := ctx.Err()
		if err == nil {
			err = s.open()
		}
		if err != nil {
			yield(nil, failure("scan", err))
			return false
		}
		now := s.clock.now()
		buf, from = s.page(from, buf)
		for _, r := range buf {
			if !r.expired(now) && !yield(r.entry, nil) {
				return false
			}
		}
	}
	return true
}
