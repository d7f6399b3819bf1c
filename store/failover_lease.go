// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"time"
)

// LeaserOf returns what leases keys by the member that is used, or errors.ErrUnsupported
// where no member does. While the member that is used doesn't, the calls return that. They are
// made to one member only, and of their outcomes only deadlines count for the breakers.
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
	outer := ctx
	err = l.by(func(m *member, active Leaser) (err error) {
		t := m.breaker.now()
		if deadline, bounded := ctx.Deadline(); bounded && l.f.others(m) { // as a read
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
			defer cancel()
		}
		has, err = active.Lease(ctx, key, holder, d)
		if err != nil {
			m.orphans.add(key, holder, err)
			l.hung(outer, m, t, err)
		} else {
			l.f.startFree(m)
		}
		return err
	})
	return has, err
}

// hung counts a call that ran into its deadline as a failed read: so it takes less of them until
// nobody waits any more. What a member refuses says nothing of its other work.
func (l memberLeaser) hung(ctx context.Context, m *member, t ticket, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		l.f.record(ctx, m, t, opLease, err)
	}
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
