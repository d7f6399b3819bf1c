// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

var errOdd = errors.New("odd")

// faults are stores that break one rule each, with the case that finds it.
var faults = []struct {
	name     string
	failing  string
	features storetest.Features
	open     func() store.Store
}{
	{"undeclared", "DeclaredPowers", storetest.Features{}, func() store.Store { return newFullStore() }},
	{"missing", "DeclaredPowers", storetest.Features{ManyGetter: true}, func() store.Store { return newMapStore() }},
	{"miss-is-an-error", "Miss", storetest.Features{}, func() store.Store {
		return &faulty{get: func(m *mapStore, ctx context.Context, key string) (*store.Entry, error) {
			if e, err := m.Get(ctx, key); err == nil {
				return e, nil
			}
			return nil, io.EOF
		}}
	}},
	{"short-keys", "LongKeys", storetest.Features{}, func() store.Store { return keyed(func(k string) string { return k[:min(len(k), 250)] }) }},
	{"lower-case", "Keys", storetest.Features{}, func() store.Store { return keyed(strings.ToLower) }},
	{"trimmed-keys", "Keys", storetest.Features{}, func() store.Store { return keyed(strings.TrimSpace) }},
	{"utf8-keys", "Keys", storetest.Features{}, func() store.Store {
		return keyed(func(k string) string { return strings.ToValidUTF8(k, "?") })
	}},
	{"cut-bodies", "Bodies", storetest.Features{}, func() store.Store { return changing(cutBody) }},
	{"sorted-values", "Fields", storetest.Features{}, func() store.Store { return changing(sortValues) }},
	{"no-tags", "Everything", storetest.Features{}, func() store.Store {
		return changing(func(r *store.Response) { r.Tags = nil })
	}},
	{"responses-only", "Kinds", storetest.Features{}, func() store.Store {
		return changing(func(r *store.Response) { r.Kind = store.KindResponse })
	}},
	{"first-wins", "Overwrite", storetest.Features{}, func() store.Store {
		return &faulty{set: func(m *mapStore, ctx context.Context, key string, e *store.Entry) error {
			_, err := store.SetIfAbsent(ctx, m, key, e)
			return err
		}}
	}},
	{"absent-delete", "Delete", storetest.Features{}, func() store.Store {
		return &faulty{delete: func(m *mapStore, ctx context.Context, key string) error {
			if _, err := m.Get(ctx, key); err != nil {
				return err
			}
			return m.Delete(ctx, key)
		}}
	}},
	{"no-delete", "Delete", storetest.Features{}, func() store.Store {
		return &faulty{delete: func(*mapStore, context.Context, string) error { return nil }}
	}},
	{"drops-stale", "StaleIsKept", storetest.Features{}, func() store.Store {
		return &faulty{get: func(m *mapStore, ctx context.Context, key string) (*store.Entry, error) {
			e, err := m.Get(ctx, key)
			if err == nil && e.ResponseTime()+int64(e.Lifetime()) < time.Now().UnixNano() {
				return nil, store.ErrNotFound
			}
			return e, err
		}}
	}},
	{"keeps-for-ever", "Expiry", storetest.Features{}, func() store.Store {
		return &faulty{get: func(m *mapStore, _ context.Context, key string) (*store.Entry, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if e := m.entries[key]; e != nil {
				return e, nil
			}
			return nil, store.ErrNotFound
		}}
	}},
	{"ignores-expired", "SetExpired", storetest.Features{}, func() store.Store {
		return &faulty{set: func(m *mapStore, ctx context.Context, key string, e *store.Entry) error {
			if e.StoreUntil() < time.Now().UnixNano() {
				return nil
			}
			return m.Set(ctx, key, e)
		}}
	}},
	{"odd-cancel", "Cancelled", storetest.Features{}, func() store.Store {
		return &faulty{get: func(m *mapStore, ctx context.Context, key string) (*store.Entry, error) {
			if ctx.Err() != nil {
				return nil, errOdd
			}
			return m.Get(ctx, key)
		}}
	}},
	{"names-keys", "DeadlineExceeded", storetest.Features{}, func() store.Store {
		return &faulty{get: func(m *mapStore, ctx context.Context, key string) (*store.Entry, error) {
			if ctx.Err() != nil {
				return nil, errors.Join(errors.New(key), ctx.Err())
			}
			return m.Get(ctx, key)
		}}
	}},
	{"lags-behind", "ReadAfterSet", storetest.Features{}, func() store.Store {
		var late sync.Map
		return &faulty{set: func(m *mapStore, ctx context.Context, key string, e *store.Entry) error {
			if before, ok := late.Swap(key, e); ok {
				e = before.(*store.Entry)
			}
			return m.Set(ctx, key, e)
		}}
	}},
	{"one-for-all", "Concurrent", storetest.Features{}, func() store.Store {
		return keyed(func(string) string { return "the only one" })
	}},
	{"disorder", "GetMany", allPowers, func() store.Store { return &disorderly{newFullStore()} }},
	{"kept-bytes", "GetBytes", allPowers, func() store.Store { return &byteKeeper{fullStore: newFullStore()} }},
	{"always-absent", "SetIfAbsent", allPowers, func() store.Store { return &careless{newFullStore()} }},
	{"race-absent", "SetIfAbsentAtomic", allPowers, func() store.Store { return &careless{newFullStore()} }},
	{"always-newer", "SetIfNewer", allPowers, func() store.Store { return &careless{newFullStore()} }},
	{"scan-nothing", "Scan", allPowers, func() store.Store { return &disorderly{newFullStore()} }},
	{"close-once", "Close", allPowers, func() store.Store { return &careless{newFullStore()} }},
}

// faulty is a map with one method replaced.
type faulty struct {
	mapStore
	get    func(m *mapStore, ctx context.Context, key string) (*store.Entry, error)
	set    func(m *mapStore, ctx context.Context, key string, e *store.Entry) error
	delete func(m *mapStore, ctx context.Context, key string) error
}

func (f *faulty) Get(ctx context.Context, key string) (*store.Entry, error) {
	if f.get != nil {
		return f.get(&f.mapStore, ctx, key)
	}
	return f.mapStore.Get(ctx, key)
}

func (f *faulty) Set(ctx context.Context, key string, e *store.Entry) error {
	f.mu.Lock()
	if f.entries == nil {
		f.entries = map[string]*store.Entry{}
	}
	f.mu.Unlock()
	if f.set != nil {
		return f.set(&f.mapStore, ctx, key, e)
	}
	return f.mapStore.Set(ctx, key, e)
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	if f.delete != nil {
		return f.delete(&f.mapStore, ctx, key)
	}
	return f.mapStore.Delete(ctx, key)
}

// keyed stores under something made of the key.
func keyed(change func(string) string) store.Store {
	return &faulty{
		get: func(m *mapStore, ctx context.Context, key string) (*store.Entry, error) {
			return m.Get(ctx, change(key))
		},
		set: func(m *mapStore, ctx context.Context, key string, e *store.Entry) error {
			return m.Set(ctx, change(key), e)
		},
	}
}

// changing changes what it stores.
func changing(change func(*store.Response)) store.Store {
	return &faulty{set: func(m *mapStore, ctx context.Context, key string, e *store.Entry) error {
		r := e.Response()
		change(&r)
		changed, err := store.New(r)
		if err != nil {
			return err
		}
		return m.Set(ctx, key, changed)
	}}
}

func cutBody(r *store.Response) { r.Body = r.Body[:min(len(r.Body), 64<<10)] }

func sortValues(r *store.Response) {
	for _, f := range r.Fields {
		slices.Sort(f.Values)
	}
}

// disorderly returns many entries in reverse and scans nothing.
type disorderly struct{ *fullStore }

func (d *disorderly) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	many, err := d.fullStore.GetMany(ctx, keys)
	slices.Reverse(many)
	return many, err
}

func (d *disorderly) Scan(context.Context) iter.Seq2[*store.Entry, error] {
	return func(func(*store.Entry, error) bool) {}
}

// byteKeeper remembers the last key that it was asked for.
type byteKeeper struct {
	*fullStore
	key   []byte
	entry *store.Entry
}

func (b *byteKeeper) GetBytes(ctx context.Context, key []byte, now int64) (*store.Entry, error) {
	if b.entry != nil && string(b.key) == string(key) {
		return b.entry, nil
	}
	e, err := b.fullStore.GetBytes(ctx, key, now)
	b.key, b.entry = key, e
	return e, err
}

// careless compares nothing and closes once.
type careless struct{ *fullStore }

func (c *careless) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return true, c.Set(ctx, key, e)
}

func (c *careless) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return true, c.Set(ctx, key, e)
}

func (c *careless) Close() error {
	if c.isClosed() {
		return errOdd
	}
	return c.fullStore.Close()
}
