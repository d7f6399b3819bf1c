// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"time"

	"github.com/holdover-go/holdover/store"
)

// workers run what may hang, because a disk may, each on a goroutine of its own and so
// many at once at most. Whoever waits for one leaves when the context ends; the goroutine
// goes on alone and takes other work once the disk lets go of it.
//
// The goroutines stay until the end, since one that has grown its stack already answers
// in three quarters of the time that a new one takes.
type workers struct {
	jobs   chan func()
	places chan struct{} // full while there are as many goroutines as may be
	quit   chan struct{}
}

func newWorkers(n int, quit chan struct{}) *workers {
	return &workers{jobs: make(chan func()), places: make(chan struct{}, n), quit: quit}
}

// start gives the job to a goroutine, or fails and doesn't run it.
func (w *workers) start(ctx context.Context, job func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.quit:
		return store.ErrClosed
	case w.jobs <- job:
		return nil
	default:
	}
	select {
	case <-w.quit:
		return store.ErrClosed
	case w.jobs <- job:
	case w.places <- struct{}{}:
		go w.work(job)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (w *workers) work(job func()) {
	defer func() { <-w.places }()
	for {
		job()
		select {
		case <-w.quit:
			return
		case job = <-w.jobs:
		}
	}
}

// wait waits until all goroutines have ended, after quit was closed, and reports whether
// they have. No other can begin then.
func (w *workers) wait(timeout <-chan time.Time) bool {
	for range cap(w.places) {
		select {
		case w.places <- struct{}{}:
		case <-timeout:
			return false
		}
	}
	return true
}

// do lets a worker run f and returns when it or the context ends. Once that is over,
// also where f was never run, it calls finally, unless that is nil.
func do[T any](ctx context.Context, w *workers, f func() (T, error), finally func()) (result T, err error) {
	type outcome struct {
		result T
		err    error
	}
	outcomes := make(chan outcome, 1)
	err = w.start(ctx, func() {
		var o outcome
		o.result, o.err = f()
		if finally != nil {
			finally()
		}
		outcomes <- o
	})
	if err != nil {
		if finally != nil {
			finally()
		}
		return result, err
	}
	select {
	case o := <-outcomes:
		return o.result, o.err
	case <-ctx.Done():
		return result, ctx.Err()
	}
}

// run is do for what has no result but its error.
func run(ctx context.Context, w *workers, f func() error, finally func()) error {
	_, err := do(ctx, w, func() (struct{}, error) { return struct{}{}, f() }, finally)
	return err
}
