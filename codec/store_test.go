// SPDX-License-Identifier: MIT

package codec_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// mapBackend is the simplest store of bytes.
type mapBackend struct {
	mu     sync.Mutex
	values map[string][]byte
}

func newMapBackend() *mapBackend { return &mapBackend{values: map[string][]byte{}} }

func (m *mapBackend) Get(ctx context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[name]
	if !ok {
		return nil, store.ErrNotFound
	}
	return value, ctx.Err()
}

func (m *mapBackend) Set(ctx context.Context, name string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[name] = value
	return ctx.Err()
}

func (m *mapBackend) Delete(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, name)
	return ctx.Err()
}

// A store keeps its contract with every codec.
func TestStores(t *testing.T) {
	everything := func(string) bool { return true }
	for name, cfg := range all {
		t.Run(name, func(t *testing.T) {
			cfg.MinBytes, cfg.MinSaving, cfg.Compressible = -1, -1, everything
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := store.FromBytes(newMapBackend(), store.BytesConfig{Codec: open(t, cfg)})
				require.NoError(t, err)
				return s
			}, storetest.Features{})
		})
	}
}

// A fleet may change its codec one by one: everybody reads what the others wrote, in
// one backend.
func TestStoresThatShareABackend(t *testing.T) {
	backend := newMapBackend()
	stores := map[string]store.Store{}
	for name, cfg := range all {
		s, err := store.FromBytes(backend, store.BytesConfig{Codec: open(t, cfg)})
		require.NoError(t, err)
		stores[name] = s
	}
	r := withBody(listing(10_000))
	r.StoreUntil = time.Now().Add(time.Hour).UnixNano()
	for _, writer := range names(all) {
		r.Generation++
		e := entry(t, r)
		require.NoError(t, stores[writer].Set(t.Context(), r.Key, e))
		for _, reader := range names(all) {
			got, err := stores[reader].Get(t.Context(), r.Key)
			require.NoError(t, err)
			require.Equal(t, e.Bytes(), got.Bytes(), "%s reads what %s wrote", reader, writer)
		}
	}
}

// What can't be read is a miss, and the error says why to those who ask.
func TestUnreadableIsNotFound(t *testing.T) {
	backend := newMapBackend()
	s, err := store.FromBytes(backend, store.BytesConfig{Codec: codec.Default()})
	require.NoError(t, err)
	r := page()
	r.StoreUntil = time.Now().Add(time.Hour).UnixNano()
	require.NoError(t, s.Set(t.Context(), r.Key, entry(t, r)))
	for _, value := range backend.values {
		value[len(value)/2] ^= 1
	}
	_, err = s.Get(t.Context(), r.Key)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, err, store.ErrDamaged)
}
