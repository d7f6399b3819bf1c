// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdover-go/holdover/store"
)

// mapStore is the simplest store there is.
type mapStore struct {
	mu      sync.Mutex
	entries map[string]*store.Entry
}

func newMapStore() *mapStore { return &mapStore{entries: map[string]*store.Entry{}} }

func (m *mapStore) Get(_ context.Context, key string) (*store.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[key]
	if e == nil || e.StoreUntil() <= time.Now().UnixNano() {
		return nil, store.ErrNotFound
	}
	return e, nil
}

func (m *mapStore) Set(_ context.Context, key string, e *store.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[key] = e
	return nil
}

func (m *mapStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

// fullStore adds all optional powers.
type fullStore struct {
	*mapStore
	sets   sync.Mutex
	closed bool
}

func newFullStore() *fullStore { return &fullStore{mapStore: newMapStore()} }

func (f *fullStore) Get(ctx context.Context, key string) (*store.Entry, error) {
	if f.isClosed() {
		return nil, store.ErrClosed
	}
	return f.mapStore.Get(ctx, key)
}

func (f *fullStore) Set(ctx context.Context, key string, e *store.Entry) error {
	if f.isClosed() {
		return store.ErrClosed
	}
	return f.mapStore.Set(ctx, key, e)
}

func (f *fullStore) GetBytes(ctx context.Context, key []byte, now int64) (*store.Entry, error) {
	return f.Get(ctx, string(key))
}

func (f *fullStore) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	return store.GetMany(ctx, f.mapStore, keys)
}

func (f *fullStore) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	f.sets.Lock()
	defer f.sets.Unlock()
	return store.SetIfAbsent(ctx, f.mapStore, key, e)
}

func (f *fullStore) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	f.sets.Lock()
	defer f.sets.Unlock()
	return store.SetIfNewer(ctx, f.mapStore, key, e)
}

func (f *fullStore) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	f.mu.Lock()
	keys := slices.Collect(maps.Keys(f.entries))
	f.mu.Unlock()
	return func(yield func(*store.Entry, error) bool) {
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if e, err := f.Get(ctx, key); err == nil && !yield(e, nil) {
				return
			}
		}
	}
}

func (f *fullStore) Ping(context.Context) error { return nil }

func (f *fullStore) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *fullStore) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}
