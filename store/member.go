// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	minProbeGap = 100 * time.Millisecond // after a member was opened
	maxProbeGap = 2 * time.Second        // doubled up to this
	probeJitter = 0.1
	calm        = 10 * time.Second // closed for so long, a member begins with the shortest gap again
)

// member is a store of a Failover.
type member struct {
	store   Store
	number  int
	local   bool
	breaker breaker
	journal *memberJournal           // nil without one
	back    atomic.Pointer[comeback] // its last return that is known, nil for none
	due     atomic.Int64             // when it may be probed, see Failover.clock
	given   atomic.Int64             // the time that the last call had, 0 for any
	use     atomic.Pointer[use]      // until it is opened
	orphans orphans
	freeing bool         // with Failover.mu: orphans are given back
	struck  atomic.Int64 // when the last strike was noted

	mu       sync.Mutex // of the changes of state and what follows; never held over a call
	gap      time.Duration
	timer    *time.Timer // of the probe without a caller
	closed   time.Time   // when it last was
	answered time.Time   // when the last probe was
}

// use is the time in which a member is used without a break.
type use struct {
	ctx context.Context
	end context.CancelFunc
}

func newUse() *use {
	u := &use{}
	u.ctx, u.end = context.WithCancel(context.Background())
	return u
}

// asked reports whether the member is in this state, and with which ticket.
func (m *member) asked(want State) (ticket, bool) {
	t := m.breaker.now()
	return t, t.state() == want
}

// backOff returns how long the member is left alone after it failed, or failed again.
func (m *member) backOff(was State) time.Duration {
	switch {
	case m.gap == 0, was == Closed && time.Since(m.closed) >= calm:
		m.gap = minProbeGap
	default:
		m.gap = min(2*m.gap, maxProbeGap)
	}
	return time.Duration(float64(m.gap) * (1 - probeJitter + 2*probeJitter*rand.Float64()))
}

// move changes the state of a member where allowed agrees. err is why it is opened. Whoever
// calls it delivers the change when no lock is held.
func (f *Failover) move(m *member, to State, byWrites bool, err error, allowed func(now ticket) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.breaker.now()
	if !allowed(now) {
		return false
	}
	was := now.state()
	if m.timer != nil {
		m.timer.Stop()
	}
	switch {
	case to == Open:
		wait := m.backOff(was)
		m.due.Store(int64(f.clock() + wait))
		if !byWrites {
			m.timer = time.AfterFunc(wait+callersFirst, func() { f.probeUnasked(m) })
		}
		m.use.Swap(newUse()).end()
	case to == Closed:
		m.closed = time.Now()
	}
	switch {
	case was == Closed:
		f.troubled.Add(1)
	case to == Closed:
		f.troubled.Add(-1)
	}
	m.breaker.enter(to, byWrites)
	f.changes.put(MemberChange{Member: m.number, From: was, To: to, Err: err})
	return true
}

// open stops using a member because of a call that began with that ticket.
func (f *Failover) open(m *member, t ticket, byWrites bool, err error) {
	if f.move(m, Open, byWrites, err, func(now ticket) bool {
		return now.used() && now.generation() == t.generation()
	}) {
		f.changes.deliver()
	}
}

// merged uses a member whose journal was read, by an attempt that began then.
func (f *Failover) merged(m *member, began time.Time) {
	if f.move(m, Closed, false, nil, func(now ticket) bool {
		return now.state() == Merging && !began.Before(m.answered)
	}) {
		f.changes.deliver()
	}
}

func (m *member) stopTimer() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer != nil {
		m.timer.Stop()
	}
}
