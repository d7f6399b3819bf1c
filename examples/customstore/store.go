// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/holdover-go/holdover/store"
)

// backend is what you have: here a cache of byte slices, bounded in their number.
type backend struct{ values *lru.Cache[string, []byte] }

// newStore makes a store of it. How long a value is kept need not be exact: the store
// compares the entry's own end when it reads it.
func newStore(size int) (store.Store, error) {
	values, err := lru.New[string, []byte](size)
	if err != nil {
		return nil, err
	}
	return store.FromBytes(backend{values}, store.BytesConfig{Name: "lru"})
}

func (b backend) Get(_ context.Context, name string) ([]byte, error) {
	if value, found := b.values.Get(name); found {
		return value, nil
	}
	return nil, store.ErrNotFound
}

func (b backend) Set(_ context.Context, name string, value []byte, _ time.Duration) error {
	b.values.Add(name, value)
	return nil
}

func (b backend) Delete(_ context.Context, name string) error { b.values.Remove(name); return nil }
