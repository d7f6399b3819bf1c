// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// op is what a Failover is asked to do.
type op uint8

const (
	opGet op = iota
	opGetBytes
	opGetMany
	opScan
	opPing
	opLease
	opSet // from here on they write
	opSetIfAbsent
	opSetIfNewer
	opDelete
)

var opNames = [...]string{"get", "get", "get many", "scan", "ping", "lease", "set", "set if absent", "set if newer", "delete"}

func (o op) writes() bool { return o >= opSet }

func (o op) failure(err error) error {
	return &Error{Store: "failover", Op: opNames[o], Err: err}
}

// call is a question to a store, which can be put to several.
type call struct {
	op    op
	key   string
	bytes []byte // the key of GetBytes
	now   int64
	keys  []string
	entry *Entry
}

// answer is what a store said: what the op returns, beside the error.
type answer struct {
	entry *Entry
	many  []*Entry
	done  bool
}

// on puts the question. A panic of the store is an error.
func (c *call) on(ctx context.Context, s Store) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = answer{}, c.op.failure(fmt.Errorf("the store panicked: %v", p))
		}
	}()
	switch c.op {
	case opGet:
		a.entry, err = s.Get(ctx, c.key)
	case opGetBytes:
		a.entry, err = c.getBytes(ctx, s)
	case opGetMany:
		a.many, err = c.getMany(ctx, s)
	case opPing:
		err = Ping(ctx, s)
	case opSet:
		err = s.Set(ctx, c.key, c.entry)
	case opSetIfAbsent:
		a.done, err = SetIfAbsent(ctx, s, c.key, c.entry)
	case opSetIfNewer:
		a.done, err = SetIfNewer(ctx, s, c.key, c.entry)
	case opDelete:
		err = s.Delete(ctx, c.key)
	}
	return a, err
}

func (c *call) getBytes(ctx context.Context, s Store) (*Entry, error) {
	if g, ok := s.(BytesGetter); ok {
		return g.GetBytes(ctx, c.bytes, c.now)
	}
	return s.Get(ctx, string(c.bytes))
}

func (c *call) getMany(ctx context.Context, s Store) ([]*Entry, error) {
	many, err := GetMany(ctx, s, c.keys)
	if answers(err) && len(many) != len(c.keys) {
		return nil, c.op.failure(fmt.Errorf("%d entries for %d keys", len(many), len(c.keys)))
	}
	return many, err
}

// text returns the key, in memory of its own.
func (c *call) text() string {
	if c.op == opGetBytes {
		return string(c.bytes)
	}
	return strings.Clone(c.key)
}

var errLate = errors.New("it answered too late")

// answers reports whether an error is an answer: nobody else need be asked.
func answers(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooLarge) || errors.Is(err, errors.ErrUnsupported)
}

// ready is asked before every call.
func (f *Failover) ready(ctx context.Context, c *call) error {
	if f.ended.Load() {
		return c.op.failure(ErrClosed)
	}
	if f.troubled.Load() > 0 {
		f.tend(ctx, c)
	}
	return nil
}

// do puts a call to the first member that answers, and returns its place in the order
// which begins with the member first.
func (f *Failover) do(ctx context.Context, c *call) (a answer, first, place int, err error) {
	if err := f.ready(ctx, c); err != nil {
		return a, 0, -1, err
	}
	first = f.first()
	place, err = f.reach(ctx, c.op, first, func(m *member, t ticket, others bool) (err error) {
		a, err = f.ask(ctx, m, t, others, c)
		return err
	})
	return a, first, place, err
}

// reach lets ask try the closed members in order, until one answers. Members whose
// journal isn't merged are tried where no other is left.
func (f *Failover) reach(ctx context.Context, o op, first int, ask func(m *member, t ticket, others bool) error) (place int, err error) {
	for _, want := range [...]State{Closed, Merging} {
		if want == Merging && f.after(0, -1, Closed) {
			break
		}
		for place := range f.members {
			m := f.nth(first, place)
			t, is := m.asked(want)
			if !is {
				continue
			}
			failed := ask(m, t, f.after(first, place, want))
			if answers(failed) {
				return place, failed
			}
			if err = both(err, failed); ctx.Err() != nil {
				return -1, err
			}
		}
	}
	if err == nil {
		err = o.failure(ErrUnavailable)
	}
	return -1, err
}

func both(before, err error) error {
	if before == nil {
		return err
	}
	return errors.Join(before, err)
}

// maxWriteShare is what a write gets of a member that another can take the place of: it has
// far more time than a read, and all others wait behind it.
const maxWriteShare = 200 * time.Millisecond

// ask puts a call to a member, which gets half of the time that is left where others can be
// asked after it.
func (f *Failover) ask(ctx context.Context, m *member, t ticket, others bool, c *call) (answer, error) {
	deadline, bounded := ctx.Deadline()
	if !bounded && ctx.Err() == nil {
		a, err := c.on(ctx, m.store)
		f.record(ctx, m, t, c.op, err)
		return a, err
	}
	began := time.Now()
	given := deadline.Sub(began)
	if given <= 0 || ctx.Err() != nil { // it ended before: no fault of the member
		return c.on(ctx, m.store)
	}
	within := ctx
	if others && !m.local {
		if given /= 2; c.op.writes() {
			given = min(given, maxWriteShare)
		}
		var cancel context.CancelFunc
		within, cancel = context.WithDeadline(ctx, began.Add(given))
		defer cancel()
		if c.op.writes() { // they have more time than it takes to see that the member hangs
			defer context.AfterFunc(m.use.Load().ctx, cancel)()
		}
	}
	m.given.Store(int64(given))
	a, err := c.on(within, m.store)
	switch {
	case !answers(err) || !late(time.Since(began), given):
		f.record(ctx, m, t, c.op, err)
	case f.alone(m, began):
		f.strike(m, t, c.op, c.op.failure(errLate))
	}
	return a, err
}

// alone reports whether no late answer and no failure was noted since a call began. Where this
// process was held up, all its calls are late at once: that counts as one.
func (f *Failover) alone(m *member, began time.Time) bool {
	last := m.struck.Load()
	return int64(began.Sub(f.born)) >= last && m.struck.CompareAndSwap(last, int64(f.clock()))
}

// late reports whether an answer took so long that the next one may come too late.
func late(took, given time.Duration) bool { return took > given/4*3 }

// record notes how a call ended.
func (f *Failover) record(ctx context.Context, m *member, t ticket, o op, err error) {
	switch {
	case err == nil:
		m.breaker.of(o).add(t, false)
	case answers(err), errors.Is(ctx.Err(), context.Canceled): // neutral
	default:
		f.strike(m, t, o, err)
	}
}

// strike notes a failure. That of a write counts only where another member can take it.
func (f *Failover) strike(m *member, t ticket, o op, err error) {
	if o.writes() && !f.others(m) {
		return
	}
	m.struck.Store(int64(f.clock()))
	if m.breaker.of(o).add(t, true) {
		f.open(m, t, o.writes(), err)
	}
}

func (b *breaker) of(o op) *window {
	if o.writes() {
		return &b.writes
	}
	return &b.reads
}
