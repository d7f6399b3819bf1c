// SPDX-License-Identifier: MIT

package store

import "context"

// Get returns the entry that the first member which works has. After its return, that of the
// next one where it is newer.
func (f *Failover) Get(ctx context.Context, key string) (*Entry, error) {
	return f.get(ctx, &call{op: opGet, key: key})
}

// GetBytes is Get with the key as bytes.
func (f *Failover) GetBytes(ctx context.Context, key []byte, now int64) (*Entry, error) {
	return f.get(ctx, &call{op: opGetBytes, bytes: key, now: now})
}

func (f *Failover) get(ctx context.Context, c *call) (*Entry, error) {
	a, first, place, err := f.do(ctx, c)
	if place < 0 || f.nth(first, place).back.Load() == nil {
		return a.entry, err
	}
	return f.newest(ctx, c, first, place, a.entry, err)
}

// GetMany is Get for several keys, from one member.
func (f *Failover) GetMany(ctx context.Context, keys []string) ([]*Entry, error) {
	c := &call{op: opGetMany, keys: keys}
	a, first, place, err := f.do(ctx, c)
	if place >= 0 {
		f.newestOfMany(ctx, c, first, place, a.many)
	}
	return a.many, err
}

// Ping asks the first member that works whether it answers.
func (f *Failover) Ping(ctx context.Context) error {
	_, _, _, err := f.do(ctx, &call{op: opPing})
	return err
}
