// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Scan yields the entries of the first member that works. Others are asked only before the
// first entry, and only that one must come within a member's share of the deadline.
func (f *Failover) Scan(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		c := &call{op: opScan}
		err := f.ready(ctx, c)
		s := scan{yield: yield}
		if err == nil {
			_, err = f.reach(ctx, c.op, f.first(), func(m *member, t ticket, others bool) error {
				return f.scan(ctx, m, t, others, &s)
			})
			err = both(s.failed, err)
		}
		if err != nil && !s.stopped {
			yield(nil, err)
		}
	}
}

// scan is one under way.
type scan struct {
	yield    func(*Entry, error) bool
	begun    bool  // an entry was yielded
	yielding bool  // the caller's own code runs
	stopped  bool  // by the caller
	failed   error // after an entry was yielded
}

// scan asks a member for its entries. Once one was yielded it answers in any case.
func (f *Failover) scan(ctx context.Context, m *member, t ticket, others bool, s *scan) error {
	if err := ctx.Err(); err != nil { // it ended before: no fault of the member
		return opScan.failure(err)
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	first := func() bool { return true } // is called for the first entry: did it come in time?
	if deadline, bounded := ctx.Deadline(); bounded && others && !m.local {
		first = time.AfterFunc(time.Until(deadline)/2, cancel).Stop
	}
	err := s.of(within, m.store, first)
	if !s.begun && !first() && !answers(err) {
		err = opScan.failure(context.DeadlineExceeded)
	}
	switch {
	case s.stopped, s.begun && ctx.Err() != nil: // the caller took its time
	default:
		f.record(ctx, m, t, opScan, err)
	}
	if s.begun {
		s.failed, err = err, nil
	}
	return err
}

// of yields the entries of a store. A panic of the store is an error, one of the caller isn't.
func (s *scan) of(ctx context.Context, from Store, first func() bool) (err error) {
	defer func() {
		if s.yielding {
			return
		}
		if p := recover(); p != nil {
			err = opScan.failure(fmt.Errorf("the store panicked: %v", p))
		}
	}()
	for e, err := range Scan(ctx, from) {
		switch {
		case err != nil:
			return err
		case !s.begun && !first():
			return errors.Join(errLate, context.DeadlineExceeded)
		}
		s.begun, s.yielding = true, true
		more := s.yield(e, nil)
		if s.yielding = false; !more {
			s.stopped = true
			return nil
		}
	}
	return nil
}
