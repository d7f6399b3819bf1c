// SPDX-License-Identifier: MIT

package store

import "context"

// Set stores the entry in the first member that works.
func (f *Failover) Set(ctx context.Context, key string, e *Entry) error {
	_, err := f.write(ctx, &call{op: opSet, key: key, entry: e})
	return err
}

// SetIfAbsent stores the entry in the first member that works, where that has none under key.
func (f *Failover) SetIfAbsent(ctx context.Context, key string, e *Entry) (bool, error) {
	if stands := f.stoodIn(ctx, key); stands != nil {
		return false, nil
	}
	return f.write(ctx, &call{op: opSetIfAbsent, key: key, entry: e})
}

// SetIfNewer stores the entry in the first member that works, where that has none under key,
// or an older one.
func (f *Failover) SetIfNewer(ctx context.Context, key string, e *Entry) (bool, error) {
	if stands := f.stoodIn(ctx, key); stands != nil && !e.Newer(stands) {
		return false, nil
	}
	return f.write(ctx, &call{op: opSetIfNewer, key: key, entry: e})
}

// stoodIn returns what stands under a key in either member, where the one that is used came
// back from an outage: that alone doesn't know.
func (f *Failover) stoodIn(ctx context.Context, key string) *Entry {
	for place := range f.members {
		m := f.nth(f.first(), place)
		if _, used := m.asked(Closed); !used {
			continue
		}
		if m.back.Load() == nil {
			return nil
		}
		e, _ := f.Get(ctx, key) // without an answer the member decides
		return e
	}
	return nil
}

func (f *Failover) write(ctx context.Context, c *call) (bool, error) {
	under := f.writes.counter(c.key)
	under.Add(1)
	defer under.Add(1)
	a, _, _, err := f.do(ctx, c)
	return a.done, err
}

// Delete drops the entry from all members that aren't open. The error is that of the one
// which is used.
func (f *Failover) Delete(ctx context.Context, key string) error {
	c := &call{op: opDelete, key: key}
	if err := f.ready(ctx, c); err != nil {
		return err
	}
	under := f.writes.counter(key)
	under.Add(1)
	defer under.Add(1)
	first := f.first()
	used := f.active(first)
	err := c.op.failure(ErrUnavailable)
	for place := range f.members {
		m := f.nth(first, place)
		t := m.breaker.now()
		if !t.used() {
			continue
		}
		others := f.after(first, place, Closed) || f.after(first, place, Merging)
		if _, failed := f.ask(ctx, m, t, others, c); m == used {
			err = failed
		}
	}
	return err
}

// active returns the member that is used, nil for none.
func (f *Failover) active(first int) *member {
	for _, want := range [...]State{Closed, Merging} {
		for place := range f.members {
			if m := f.nth(first, place); f.in(m.number, want) {
				return m
			}
		}
	}
	return nil
}
