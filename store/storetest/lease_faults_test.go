// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/holdover-go/holdover/store"
)

// leaseFaults are stores whose leases break one rule each, with the case that finds it.
var leaseFaults = []struct {
	name    string
	failing string
	open    func() store.Store
}{
	{"given-to-all", "Take", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(_ *leaseMap, _ context.Context, _ string, h store.Holder, _ time.Duration) (store.Holder, error) {
			return h, nil
		}}
	}},
	{"given-to-none", "Take", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(*leaseMap, context.Context, string, store.Holder, time.Duration) (store.Holder, error) {
			return store.LeaseFailed, nil
		}}
	}},
	{"tells-no-names", "Take", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			if got, err := m.Lease(ctx, key, h, d); err != nil || got == h {
				return got, err
			}
			return store.Holder{}, nil
		}}
	}},
	{"refusal-prolongs", "Expiry", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			got, err := m.Lease(ctx, key, h, d)
			if err == nil && got != h {
				return m.Lease(ctx, key, got, d)
			}
			return got, err
		}}
	}},
	{"two-holders", "Concurrent", twoSteps},
	{"two-holders-now-and-then", "Exclusive", twoSteps},
	{"never-ends", "Expiry", func() store.Store { return slow(time.Hour) }},
	{"ends-late", "Expiry", func() store.Store { return slow(2 * time.Second) }},
	{"ends-early", "Expiry", func() store.Store { return slow(-200 * time.Millisecond) }},
	{"prolonging-does-nothing", "Prolong", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			if old := m.peek(key); old.by == h && time.Now().Before(old.until) {
				return h, m.ask(ctx)
			}
			return m.Lease(ctx, key, h, d)
		}}
	}},
	{"prolonging-adds", "Prolong", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			if old := m.peek(key); old.by == h && time.Now().Before(old.until) {
				d += time.Until(old.until)
			}
			return m.Lease(ctx, key, h, d)
		}}
	}},
	{"holder-is-refused", "Prolong", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			if old := m.peek(key); old.by == h && time.Now().Before(old.until) {
				return store.LeaseFailed, nil
			}
			return m.Lease(ctx, key, h, d)
		}}
	}},
	{"release-does-nothing", "Release", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, _ string, _, _ store.Holder, _ time.Duration) error {
			return m.ask(ctx)
		}}
	}},
	{"release-by-anybody", "Release", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, key string, _, note store.Holder, d time.Duration) error {
			return m.Release(ctx, key, m.peek(key).by, note, d)
		}}
	}},
	{"note-by-anybody", "Release", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
			if note.IsNote() {
				m.put(key, held{note, time.Now().Add(d)})
				return nil
			}
			return m.Release(ctx, key, h, note, d)
		}}
	}},
	{"release-fails-late", "Release", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
			if m.peek(key).by != h {
				return errOdd
			}
			return m.Release(ctx, key, h, note, d)
		}}
	}},
	{"note-after-the-end", "ReleaseLate", func() store.Store {
		return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
			if m.peek(key).by == h && note.IsNote() {
				m.put(key, held{note, time.Now().Add(d)})
				return m.ask(ctx)
			}
			return m.Release(ctx, key, h, note, d)
		}}
	}},
	{"note-is-ignored", "Notes", func() store.Store {
		return noting(func(store.Holder, time.Duration) (store.Holder, time.Duration) { return store.Holder{}, 0 })
	}},
	{"one-note-for-both", "Notes", func() store.Store {
		return noting(func(_ store.Holder, d time.Duration) (store.Holder, time.Duration) { return store.LeaseFailed, d })
	}},
	{"note-stays", "Notes", func() store.Store {
		return noting(func(n store.Holder, _ time.Duration) (store.Holder, time.Duration) { return n, time.Hour })
	}},
	{"note-ends-early", "Notes", func() store.Store {
		return noting(func(n store.Holder, d time.Duration) (store.Holder, time.Duration) { return n, d / 2 })
	}},
	{"note-is-not-for-its-author", "Notes", func() store.Store {
		authors := map[string]store.Holder{}
		return &faultyLeases{
			leaseMap: newLeaseMap(),
			release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
				m.leases.Lock()
				authors[key] = h
				m.leases.Unlock()
				return m.Release(ctx, key, h, note, d)
			},
			lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
				m.leases.Lock()
				mine := authors[key] == h && m.held[key].by.IsNote()
				m.leases.Unlock()
				if mine {
					return h, nil
				}
				return m.Lease(ctx, key, h, d)
			},
		}
	}},
	{"delete-ends-leases", "Entries", func() store.Store { return &deletesLeases{faultyLeases{leaseMap: newLeaseMap()}} }},
	{"leases-are-entries", "Entries", func() store.Store { return &leasesAsEntries{faultyLeases{leaseMap: newLeaseMap()}} }},
	{"lower-case", "Keys", func() store.Store { return keyedLeases(strings.ToLower) }},
	{"trimmed", "Keys", func() store.Store { return keyedLeases(strings.TrimSpace) }},
	{"utf8", "Keys", func() store.Store {
		return keyedLeases(func(k string) string { return strings.ToValidUTF8(k, "?") })
	}},
	{"short-keys", "LongKeys", func() store.Store { return keyedLeases(func(k string) string { return k[:min(len(k), 250)] }) }},
	{"odd-cancel", "Cancelled", func() store.Store { return failing(func(string) error { return errOdd }) }},
	{"names-keys", "DeadlineExceeded", func() store.Store {
		return failing(func(key string) error { return errors.New(key) })
	}},
	{"late", "Paused", late},
	{"late-at-first", "FirstCallPaused", late},
	{"down-is-a-miss", "Restarted", func() store.Store { return failing(func(string) error { return store.ErrNotFound }) }},
	{"restart-makes-them-last", "Restarted", func() store.Store { return &lastingLeases{faultyLeases{leaseMap: newLeaseMap()}} }},
	{"closed-leases", "Close", func() store.Store { return &closedLeases{faultyLeases{leaseMap: newLeaseMap()}} }},
}

// faultyLeases is a map with one method replaced.
type faultyLeases struct {
	*leaseMap
	lease   func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error)
	release func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error
}

func (f *faultyLeases) Lease(ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
	if f.lease != nil {
		return f.lease(f.leaseMap, ctx, key, h, d)
	}
	return f.leaseMap.Lease(ctx, key, h, d)
}

func (f *faultyLeases) Release(ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
	if f.release != nil {
		return f.release(f.leaseMap, ctx, key, h, note, d)
	}
	return f.leaseMap.Release(ctx, key, h, note, d)
}

// twoSteps looks who has a lease before it gives it away.
func twoSteps() store.Store {
	return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
		if old := m.peek(key); old.by != h && time.Now().Before(old.until) {
			return old.by, m.ask(ctx)
		}
		time.Sleep(time.Microsecond)
		m.put(key, held{h, time.Now().Add(d)})
		return h, m.ask(ctx)
	}}
}

// slow lets leases and notes last so much longer than was asked for.
func slow(more time.Duration) store.Store {
	return &faultyLeases{
		leaseMap: newLeaseMap(),
		lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			return m.Lease(ctx, key, h, d+more)
		},
		release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
			return m.Release(ctx, key, h, note, d+more)
		},
	}
}

// noting changes the notes that are left.
func noting(change func(store.Holder, time.Duration) (store.Holder, time.Duration)) store.Store {
	return &faultyLeases{leaseMap: newLeaseMap(), release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
		if note.IsNote() {
			note, d = change(note, d)
		}
		return m.Release(ctx, key, h, note, d)
	}}
}

// keyedLeases are those of something made of the key.
func keyedLeases(change func(string) string) store.Store {
	return &faultyLeases{
		leaseMap: newLeaseMap(),
		lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
			return m.Lease(ctx, change(key), h, d)
		},
		release: func(m *leaseMap, ctx context.Context, key string, h, note store.Holder, d time.Duration) error {
			return m.Release(ctx, change(key), h, note, d)
		},
	}
}

// failing has errors of its own.
func failing(instead func(key string) error) store.Store {
	return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
		got, err := m.Lease(ctx, key, h, d)
		if err != nil {
			err = instead(key)
		}
		return got, err
	}}
}

// late returns some time after its deadline.
func late() store.Store {
	return &faultyLeases{leaseMap: newLeaseMap(), lease: func(m *leaseMap, ctx context.Context, key string, h store.Holder, d time.Duration) (store.Holder, error) {
		got, err := m.Lease(ctx, key, h, d)
		if errors.Is(err, context.DeadlineExceeded) {
			time.Sleep(20 * time.Millisecond)
		}
		return got, err
	}}
}

// deletesLeases drops the lease with the entry.
type deletesLeases struct{ faultyLeases }

func (d *deletesLeases) Delete(ctx context.Context, key string) error {
	d.put(key, held{})
	return d.leaseMap.Delete(ctx, key)
}

// leasesAsEntries finds an entry where a lease is.
type leasesAsEntries struct{ faultyLeases }

func (l *leasesAsEntries) Get(ctx context.Context, key string) (*store.Entry, error) {
	if h := l.peek(key); time.Now().Before(h.until) {
		return nil, errOdd
	}
	return l.leaseMap.Get(ctx, key)
}

// lastingLeases never end once the server was started again.
type lastingLeases struct{ faultyLeases }

func (l *lastingLeases) Start() {
	l.leases.Lock()
	defer l.leases.Unlock()
	for key, h := range l.held {
		l.held[key] = held{h.by, time.Now().Add(time.Hour)}
	}
	l.leaseMap.Start()
}

// closedLeases go on after Close.
type closedLeases struct{ faultyLeases }

func (closedLeases) Close() error { return nil }
