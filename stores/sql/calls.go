// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

const (
	// maxCalls is how many calls may be under way in the driver, those included for
	// which nobody waits any more. Further ones wait for their turn.
	maxCalls = 256

	// maxIdle is how many workers wait for the next call. A worker whose stack has
	// grown for the driver saves a tenth of the time of a hit in SQLite.
	maxIdle = 16

	// leastPatience is what the background gets where clients have no time at all.
	leastPatience = 5 * time.Second
)

// calls lets nobody wait for a driver longer than his context lasts. A driver may ignore a
// context: those of SQLite do while they open a connection or wait for a lock. So it is
// called on a worker, and the caller leaves when his time is over.
type calls struct {
	timeout  time.Duration // for contexts without a deadline
	patience time.Duration // for work in the background, and for close
	direct   bool          // the driver obeys, and is called without that detour

	slots chan struct{} // one for each call under way
	tasks chan func()   // to idle workers
	idle  atomic.Int32
	life  context.Context // ends with close
	end   context.CancelFunc

	mu      sync.Mutex
	closed  bool
	active  int           // calls and goroutines in the background
	drained chan struct{} // closed when none is active any more
}

func newCalls(timeout time.Duration, direct bool) *calls {
	c := &calls{
		timeout:  timeout,
		patience: max(timeout, leastPatience),
		direct:   direct,
		slots:    make(chan struct{}, maxCalls),
		tasks:    make(chan func()),
		drained:  make(chan struct{}),
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// call runs f on a worker and returns what it returns, or the error of the context when
// that ends first. f must keep what it makes to itself until it returns it.
func call[T any](ctx context.Context, c *calls, f func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	err := c.start(ctx, func() {
		var r result
		defer func() {
			if p := recover(); p != nil { // here it would end the process
				r = result{err: fmt.Errorf("panic in the driver: %v", p)}
			}
			done <- r
		}()
		r.value, r.err = f(ctx)
	})
	if err != nil {
		return none, err
	}
	select {
	case r := <-done:
		return r.value, because(ctx, r.err)
	case <-ctx.Done():
	}
	select {
	case r := <-done: // both at once
		return r.value, because(ctx, r.err)
	default:
		return none, ctx.Err()
	}
}

// because adds the error of a context to what a driver made of it.
func because(ctx context.Context, err error) error {
	cause := ctx.Err()
	if deadline, set := ctx.Deadline(); cause == nil && set && !time.Now().Before(deadline) {
		cause = context.DeadlineExceeded // a driver's own timer may be the quicker one
	}
	if err == nil || cause == nil || errors.Is(err, cause) || errors.Is(err, store.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

func (c *calls) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// start gives a task to a worker, or performs it.
func (c *calls) start(ctx context.Context, task func()) error {
	if err := c.enter(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		c.leave()
		return err
	}
	if c.direct {
		defer c.leave()
		task()
		return nil
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		c.leave()
		return ctx.Err()
	}
	select {
	case c.tasks <- task:
	default:
		go c.work(task)
	}
	return nil
}

// work performs the task, and further ones as they come.
func (c *calls) work(task func()) {
	for {
		task()
		<-c.slots
		parks := c.idle.Add(1) <= maxIdle
		c.leave()
		if parks {
			select {
			case task = <-c.tasks:
				c.idle.Add(-1)
				continue
			case <-c.life.Done():
			}
		}
		c.idle.Add(-1)
		return
	}
}

// background runs f on a goroutine of its own until it returns, which it must do soon
// after its context ended. After close it doesn't, and reports that. f must not panic, see
// recovered.
func (c *calls) background(f func(context.Context)) (started bool) {
	if c.enter() != nil {
		return false
	}
	go func() {
		defer c.leave()
		f(c.life)
	}()
	return true
}

// recovered makes an error of a driver's panic, which in the background would end the process.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver panicked: %v", p)
		}
	}()
	return f()
}

func (c *calls) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return store.ErrClosed
	}
	c.active++
	return nil
}

func (c *calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	if c.closed && c.active == 0 {
		close(c.drained)
	}
}

// close refuses further calls, ends what runs in the background, and waits for the calls
// under way. It returns an error if some are left in the end.
func (c *calls) close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.end()
		if c.active == 0 {
			close(c.drained)
		}
	}
	c.mu.Unlock()
	limit := time.NewTimer(c.patience)
	defer limit.Stop()
	select {
	case <-c.drained:
		return nil
	case <-limit.C:
		c.mu.Lock()
		defer c.mu.Unlock()
		return fmt.Errorf("the driver has not returned from %d calls", c.active)
	}
}
