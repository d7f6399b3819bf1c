// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// treatment is what happens to a call.
type treatment uint8

const (
	works treatment = iota
	fails
	unsure
	partial
	hanging
)

// fate is what was decided about a call.
type fate struct {
	treatment treatment
	delay     time.Duration
	err       error      // what it fails with
	random    *rand.Rand // of this call alone
}

// decide counts a call and decides about it. Every call has random numbers of its own, so
// that a change of the faults, or another kind of call, moves nothing.
func (f *faulty) decide(op string) fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counts[op]
	if c == nil {
		c = &storeCount{}
		f.counts[op] = c
	}
	c.calls++
	random := randomOf(f.seed^hashOf(op), uint64(c.calls))
	d := fate{err: f.now.Err, random: random}
	share, wait := random.Float64(), random.Float64()
	if f.now.Ops != nil && !slices.Contains(f.now.Ops, op) {
		return d
	}
	d.delay = time.Duration(wait * float64(f.now.Delay))
	d.treatment = f.now.treat(share)
	return d
}

// treat splits the numbers from 0 to 1 among the treatments.
func (f *StoreFaults) treat(number float64) treatment {
	for _, part := range [...]struct {
		share float64
		is    treatment
	}{{f.Errors, fails}, {f.Unsure, unsure}, {f.Partial, partial}, {f.Hangs, hanging}} {
		if number < part.share {
			return part.is
		}
		number -= part.share
	}
	return works
}

func hashOf(op string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(op)) // never fails
	return h.Sum64()
}

// call does one, in the way that is decided for it. With half it does a part of it, where
// that is what was decided; nil does all of it all the same.
func (f *faulty) call(ctx context.Context, op string, do func() error, half func(*rand.Rand) error) error {
	d := f.decide(op)
	if err := f.begin(ctx, op, d); err != nil {
		return err
	}
	switch {
	case d.treatment == unsure:
		if err := do(); err != nil {
			return err
		}
		return f.fail(op, d.err)
	case d.treatment == partial && half != nil:
		f.hit(op)
		return half(d.random)
	}
	return do()
}

// begin waits for as long as was decided and returns an error if nothing is to be done.
func (f *faulty) begin(ctx context.Context, op string, d fate) error {
	if d.delay > 0 {
		if err := pause(ctx, d.delay); err != nil {
			return failure(op, err)
		}
	}
	switch d.treatment {
	case fails:
		return f.fail(op, d.err)
	case hanging:
		return f.fail(op, hangs(ctx))
	}
	return nil
}

func (f *faulty) fail(op string, err error) error {
	f.hit(op)
	return failure(op, err)
}
