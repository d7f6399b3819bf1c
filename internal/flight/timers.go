// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"time"
)

// timers are what may end a flight from outside. A timer that fires while it is being
// stopped does no harm: each asks again, under the lock, whether its reason still holds.
type timers struct {
	header, idle, attempt *time.Timer
	untie                 func() bool // from the starter's client
}

// arm starts the timers that run from the beginning.
func (f *Flight) arm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.cfg.Header; d > 0 {
		f.timers.header = time.AfterFunc(d, f.headerOver)
	}
	if d := f.cfg.Attempt; d > 0 {
		f.timers.attempt = time.AfterFunc(d, f.giveUp)
	}
}

// BeginAttempt gives the attempt its whole time from now on: the handler has waited so far
// for something else than the response.
func (f *Flight) BeginAttempt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase == Waiting && f.timers.attempt != nil && f.timers.attempt.Stop() {
		f.timers.attempt.Reset(f.cfg.Attempt)
	}
}

// armForBody changes to what bounds a flight after its header: the gap between two writes, or
// the client for whom alone it runs. The caller holds the lock.
func (f *Flight) armForBody() {
	stop(f.timers.header)
	if f.cfg.Idle > 0 && f.mustMove() {
		f.wrote = time.Now()
		f.timers.idle = time.AfterFunc(f.cfg.Idle, f.idleOver)
	}
	if _, reading := f.readers[f.starter]; reading && !f.state.Keep {
		f.timers.untie = context.AfterFunc(f.starter.client, f.starter.Leave)
	}
}

// mustMove reports whether the flight may not stand still: it serves more than a client that
// can leave. The caller holds the lock.
func (f *Flight) mustMove() bool { return f.state.Keep || !f.hasBody() }

func (f *Flight) headerOver() {
	f.interrupt(&Failure{Cause: HeaderTimeout}, ErrTimeout, func() bool { return f.state.Phase == Waiting })
}

// giveUp ends an attempt whose readers all have a copy to fall back on.
func (f *Flight) giveUp() {
	f.interrupt(&Failure{Cause: AttemptTimeout}, ErrTimeout, func() bool {
		return !f.begun && (f.cfg.Spare == nil || !f.cfg.Spare())
	})
}

// idleOver ends a flight without a write in time. Writes only note the time: setting the
// timer anew is left to the timer.
func (f *Flight) idleOver() {
	f.interrupt(&Failure{Cause: IdleTimeout}, ErrTimeout, func() bool {
		left := f.cfg.Idle - time.Since(f.wrote)
		if left > 0 && f.mustMove() {
			f.timers.idle.Reset(left)
		}
		return left <= 0 && f.mustMove()
	})
}

// stopTimers is called with the lock held.
func (f *Flight) stopTimers() {
	stop(f.timers.header)
	stop(f.timers.idle)
	stop(f.timers.attempt)
	if f.timers.untie != nil {
		f.timers.untie()
	}
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
