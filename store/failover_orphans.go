// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"sync"
)

// maxOrphans bounds what is remembered of leases that nobody has.
const maxOrphans = 512

// orphans are leases that a member may give although the call for them has failed: a server
// that hung reads what was sent to it when it goes on. Nobody would give them back, and all would
// wait until they end.
type orphans struct {
	mu     sync.Mutex
	leases []orphan
}

type orphan struct {
	key    string
	holder Holder
}

// add notes a call for a lease that failed.
func (o *orphans) add(key string, holder Holder, err error) {
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.leases) < maxOrphans {
		o.leases = append(o.leases, orphan{key, holder})
	}
}

func (o *orphans) take() []orphan {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.leases
	o.leases = nil
	return list
}

func (o *orphans) some() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.leases) > 0
}

// free gives the orphans of a member back that answers again, as far as that can be done in
// the time of a probe.
func (f *Failover) free(m *member) {
	leaser, err := LeaserOf(m.store)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(f.ctx, probeTimeout)
	defer cancel()
	for _, o := range m.orphans.take() {
		if guarded(func() error { return leaser.Release(ctx, o.key, o.holder, Holder{}, 0) }) != nil {
			return // what is left ends by itself
		}
	}
}

// startFree does so behind a call that was answered.
func (f *Failover) startFree(m *member) {
	if !m.orphans.some() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.Load() || m.freeing {
		return
	}
	m.freeing = true
	f.probes.Go(func() {
		f.free(m)
		f.mu.Lock()
		m.freeing = false
		f.mu.Unlock()
	})
}
