// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// probeTimeout bounds a probe, and the mark of a return.
const probeTimeout = 250 * time.Millisecond

var errNotReturned = errors.New("the store didn't return")

// tend is called with every call while some member isn't closed. It starts the probes that
// are due.
func (f *Failover) tend(ctx context.Context, c *call) {
	for _, m := range f.members {
		switch t := m.breaker.now(); {
		case t.state() == Merging && !m.journal.followed(): // nobody will say that it is merged
			f.merged(m, time.Now())
		case f.due(m, t) && f.proves(t, c):
			f.startProbe(m, c.probe(t), f.patience(ctx, m))
		}
	}
}

func (f *Failover) due(m *member, t ticket) bool {
	return t.state() == Open && int64(f.clock()) >= m.due.Load()
}

// proves reports whether a call is a good probe: where writes failed only a write is. But
// while nobody else can take the writes, reading is all that is asked of a member.
func (f *Failover) proves(t ticket, c *call) bool {
	return !t.byWrites() || c.op.writes() || !f.after(0, -1, Closed)
}

// probe returns a copy of the call, to be made in the background. Where reads failed it reads,
// under the key of a write too.
func (c *call) probe(t ticket) call {
	switch {
	case t.byWrites() && c.op.writes():
		return call{op: c.op, key: c.text(), entry: c.entry}
	case c.op == opGetMany:
		return call{op: opGetMany, keys: slices.Clone(c.keys)}
	case c.op == opPing, c.op == opScan:
		return call{op: opPing}
	}
	return call{op: opGet, key: c.text()}
}

// patience returns how long the call that is copied could have waited for a good answer, 0 for
// any time: a member that is too slow for its callers would be opened again at once.
func (f *Failover) patience(ctx context.Context, m *member) time.Duration {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return 0
	}
	left := time.Until(deadline)
	if f.others(m) && !m.local {
		left /= 2
	}
	return left / 4 * 3
}

// callersFirst is how much later than it is due a probe is made that no caller gave cause for.
const callersFirst = 2 * time.Second

// probeUnasked probes a member where no calls come that could be copied, as when a faster tier
// answers all of them: processes that share the stores should use the same one again.
func (f *Failover) probeUnasked(m *member) {
	if t := m.breaker.now(); f.due(m, t) && !t.byWrites() {
		f.startProbe(m, call{op: opPing}, time.Duration(m.given.Load())/4*3)
	}
}

func (f *Failover) startProbe(m *member, c call, patience time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byWrites := m.breaker.now().byWrites()
	if f.ended.Load() || !f.move(m, Probing, byWrites, nil, func(now ticket) bool { return f.due(m, now) }) {
		return // somebody else has
	}
	f.probes.Add(1)
	go f.probe(m, c, patience)
}

// probe tries whether a member works. Before it is used, its return is noted where all
// processes can read it.
func (f *Failover) probe(m *member, c call, patience time.Duration) {
	defer f.probes.Done()
	err := errNotReturned
	defer func() { f.settle(m, err) }()
	f.changes.deliver()
	if err = f.try(m, c, patience); err == nil {
		err = f.noteReturn(m)
	}
	if err == nil {
		f.free(m)
	}
}

func (f *Failover) try(m *member, c call, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(f.ctx, probeTimeout)
	defer cancel()
	began := time.Now()
	_, err := c.on(ctx, m.store)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound): // too large: it may not even have asked
		return err
	case patience != 0 && time.Since(began) > patience:
		return c.op.failure(errLate)
	}
	m.mu.Lock()
	m.answered = time.Now()
	m.mu.Unlock()
	return nil
}

// settle ends a probe. One that Close has cancelled says nothing.
func (f *Failover) settle(m *member, err error) {
	if f.ended.Load() {
		return
	}
	to, byWrites := Closed, false
	switch {
	case err != nil:
		to, byWrites = Open, m.breaker.now().byWrites()
	case len(f.members) > 1 && m.journal.followed():
		to = Merging
	}
	f.move(m, to, byWrites, err, func(now ticket) bool { return now.state() == Probing })
	f.changes.deliver()
}
