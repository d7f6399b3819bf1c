// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"time"
)

// LeaserOf returns what leases keys by the member that is used, or errors.ErrUnsupported
// where no member does. While the member that is used doesn't, the calls return that. They are
// made to one member only, and their outcomes don't count for the breakers.
func (f *Failover) LeaserOf() (Leaser, error) {
	for _, m := range f.members {
		if _, err := LeaserOf(m.store); err == nil {
			return memberLeaser{f}, nil
		}
	}
	return nil, errors.ErrUnsupported
}

type memberLeaser struct{ f *Failover }

func (l memberLeaser) Lease(ctx context.Context, key string, holder Holder, d time.Duration) (has Holder, err error) {
	err = l.by(func(m *member, active Leaser) (err error) {
		if deadline, bounded := ctx.Deadline(); bounded && l.f.others(m) { // as a read
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
			defer cancel()
		}
		has, err = active.Lease(ctx, key, holder, d)
		if err != nil {
			m.orphans.add(key, holder, err)
		} else {
			l.f.startFree(m)
		}
		return err
	})
	return has, err
}

func (l memberLeaser) Release(ctx context.Context, key string, holder, note Holder, d time.Duration) error {
	return l.by(func(_ *member, active Leaser) error { return active.Release(ctx, key, holder, note, d) })
}

func (l memberLeaser) by(call func(*member, Leaser) error) error {
	if l.f.ended.Load() {
		return opLease.failure(ErrClosed)
	}
	m := l.f.active(l.f.first())
	if m == nil {
		return opLease.failure(ErrUnavailable)
	}
	active, err := LeaserOf(m.store)
	if err != nil {
		return err
	}
	return guarded(func() error { return call(m, active) })
}
