// SPDX-License-Identifier: MIT

package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// bytesMap is the simplest backend that keeps bytes. It can be made to hang and to fail,
// as if a server stood behind it.
type bytesMap struct {
	mu     sync.Mutex
	values map[string][]byte
	gate   chan struct{} // closed = open
	down   bool
}

func newBytesMap() *bytesMap {
	b := &bytesMap{values: map[string][]byte{}, gate: make(chan struct{})}
	close(b.gate)
	return b
}

var errDown = errors.New("connection refused")

// ask waits while the server is paused.
func (b *bytesMap) ask(ctx context.Context) error {
	b.mu.Lock()
	gate, down := b.gate, b.down
	b.mu.Unlock()
	if down {
		return errDown
	}
	select {
	case <-gate:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bytesMap) Get(ctx context.Context, name string) ([]byte, error) {
	if err := b.ask(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	value, found := b.values[name]
	if !found {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(value), nil
}

func (b *bytesMap) Set(ctx context.Context, name string, value []byte, life time.Duration) error {
	if err := b.ask(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[name] = bytes.Clone(value)
	return nil
}

func (b *bytesMap) Delete(ctx context.Context, name string) error {
	if err := b.ask(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.values, name)
	return nil
}

func (b *bytesMap) Load(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[store.HashedKey("", key)]
}

func (b *bytesMap) Save(key string, value []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[store.HashedKey("", key)] = value
}

func (b *bytesMap) Pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gate = make(chan struct{})
}

func (b *bytesMap) Resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.gate)
}

func (b *bytesMap) Kill()  { b.setDown(true) }
func (b *bytesMap) Start() { b.setDown(false) }

func (b *bytesMap) setDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

const maxValue = 2 << 20

// fromBytes opens stores on one backend.
func fromBytes(b *bytesMap, backend store.Bytes) func() store.Store {
	return func() store.Store {
		s, err := store.FromBytes(backend, store.BytesConfig{MaxValue: maxValue})
		if err != nil {
			panic(err)
		}
		return s
	}
}

func bytesFeatures(b *bytesMap) storetest.Features {
	return storetest.Features{
		MaxValue: maxValue, Server: b,
		Raw: func(*testing.T, store.Store) storetest.Raw { return b },
	}
}

func TestStoreFromBytes(t *testing.T) {
	b := newBytesMap()
	open := fromBytes(b, b)
	storetest.Run(t, func(*testing.T) store.Store { return open() }, bytesFeatures(b))
}

// faultyBytes is a store of bytes with one method replaced.
type faultyBytes struct {
	store.Store
	get func(ctx context.Context, key string) (*store.Entry, error)
	set func(ctx context.Context, key string, e *store.Entry) error
}

func (f *faultyBytes) Get(ctx context.Context, key string) (*store.Entry, error) {
	if f.get != nil {
		return f.get(ctx, key)
	}
	return f.Store.Get(ctx, key)
}

func (f *faultyBytes) Set(ctx context.Context, key string, e *store.Entry) error {
	if f.set != nil {
		return f.set(ctx, key, e)
	}
	return f.Store.Set(ctx, key, e)
}

// byteFaults are stores of bytes that break one rule each, with the case that finds it.
var byteFaults = []struct {
	name    string
	failing string
	make    func(b *bytesMap, s store.Store) *faultyBytes
}{
	{"unreadable-fails", "Unreadable", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, store.ErrFormat) {
				return nil, store.ErrFormat
			}
			return e, err
		}}
	}},
	{"unreadable-is-silent", "Unreadable", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, store.ErrNotFound) {
				return nil, store.ErrNotFound
			}
			return e, err
		}}
	}},
	{"unreadable-is-deleted", "Unreadable", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, store.ErrFormat) {
				_ = s.Delete(ctx, key)
			}
			return e, err
		}}
	}},
	{"unreadable-stays", "UnreadableGivesWay", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{set: func(ctx context.Context, key string, e *store.Entry) error {
			if _, err := s.Get(ctx, key); errors.Is(err, store.ErrFormat) {
				return nil
			}
			return s.Set(ctx, key, e)
		}}
	}},
	{"keys-not-compared", "Unreadable", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			value, err := b.Get(ctx, store.HashedKey("", key))
			if err != nil {
				return nil, err
			}
			e, err := store.Decode(value)
			if err != nil || e.StoreUntil() < time.Now().UnixNano() {
				return nil, errors.Join(store.ErrNotFound, err)
			}
			return e, nil
		}}
	}},
	{"too-large-is-written", "TooLarge", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{set: func(ctx context.Context, key string, e *store.Entry) error {
			if err := s.Set(ctx, key, e); !errors.Is(err, store.ErrTooLarge) {
				return err
			}
			return b.Set(ctx, store.HashedKey("", key), e.Bytes(), time.Hour)
		}}
	}},
	{"late", "Paused", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, context.DeadlineExceeded) {
				time.Sleep(20 * time.Millisecond)
			}
			return e, err
		}}
	}},
	{"late-at-first", "FirstCallPaused", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, context.DeadlineExceeded) {
				time.Sleep(20 * time.Millisecond)
			}
			return e, err
		}}
	}},
	{"hang-is-a-miss", "Paused", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, context.DeadlineExceeded) {
				return nil, store.ErrNotFound
			}
			return e, err
		}}
	}},
	{"dwells-on-failures", "Restarted", func(b *bytesMap, s store.Store) *faultyBytes {
		var failures int
		var until time.Time
		return &faultyBytes{set: func(ctx context.Context, key string, e *store.Entry) error {
			if time.Now().Before(until) {
				return errDown
			}
			err := s.Set(ctx, key, e)
			if failures++; err != nil && failures%50 == 0 {
				until = time.Now().Add(time.Second)
			}
			return err
		}}
	}},
	{"down-is-a-miss", "Restarted", func(b *bytesMap, s store.Store) *faultyBytes {
		return &faultyBytes{get: func(ctx context.Context, key string) (*store.Entry, error) {
			e, err := s.Get(ctx, key)
			if errors.Is(err, errDown) {
				return nil, store.ErrNotFound
			}
			return e, err
		}}
	}},
}

func (f *faultyBytes) over(s store.Store) *faultyBytes { f.Store = s; return f }

func TestRawAndServerFaults(t *testing.T) {
	if !faultsWanted() {
		return
	}
	for _, f := range byteFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			b := newBytesMap()
			s := fromBytes(b, b)()
			storetest.Run(t, func(*testing.T) store.Store { return f.make(b, s).over(s) }, bytesFeatures(b))
		})
	}
}

func TestFromBytesWantsABackend(t *testing.T) {
	_, err := store.FromBytes(nil, store.BytesConfig{})
	require.ErrorContains(t, err, "backend")
	_, err = store.FromBytes(newBytesMap(), store.BytesConfig{MaxValue: -1})
	require.ErrorContains(t, err, "MaxValue")
}
