// SPDX-License-Identifier: MIT

// Package flight runs one fetch: it calls a handler on a goroutine of its own
// and lets any number of readers follow the response while it arrives. It knows
// when a fetch has begun, has a header, is complete or has failed, and nothing
// about what may be cached.
//
//	phase     after                                   readers may
//	Waiting   Start                                   wait, leave
//	Header    the final header was judged             follow the body, leave
//	Complete  the handler returned, lengths agree     read to the end
//	Failed    panic, abort, timeout, truncation, …    see Failure; what they sent is cut off
//
// A phase never goes back. Failed may come while the handler still runs: then the flight
// is abandoned until the handler returns.
package flight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Phase is how far a flight has come.
type Phase uint8

// The phases in their order.
const (
	Waiting Phase = iota
	Header
	Complete
	Failed
)

// Cause says how a flight failed.
type Cause uint8

// The causes.
const (
	Panicked       Cause = iota + 1 // the handler panicked
	Aborted                         // … with http.ErrAbortHandler
	Exited                          // … called runtime.Goexit
	Truncated                       // returned with less than its Content-Length
	HeaderTimeout                   // no final header in time
	IdleTimeout                     // too long between two writes
	AttemptTimeout                  // given up because every reader has a stored copy
	Cancelled                       // the cache was closed or the only client left
)

// Failure is why a flight failed.
type Failure struct {
	Cause Cause
	Value any    // what was panicked with
	Stack []byte // where
}

// Errors that handlers see from Write or as the cause of their context.
var (
	ErrEnded     = errors.New("the fetch has ended")
	ErrTimeout   = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	ErrCancelled = fmt.Errorf("the fetch was cancelled: %w", context.Canceled)
)

// Interim is a 1xx response.
type Interim struct {
	Status int
	Header http.Header
}

// Verdict is what the owner says of a final header.
type Verdict struct {
	// Keep: the whole body is needed, for storing or for readers who join
	// later. Otherwise only the starter is served, the handler waits for it,
	// and the flight ends with the starter.
	Keep bool
	// Note is whatever the owner wants readers to find in State.
	Note any
}

// Result is a complete response.
type Result struct {
	Status int
	Header http.Header // as judged
	Body   []byte
	Note   any
	Keep   bool // false: Body is nil
}

// Config is what a flight needs. Funcs may be nil.
type Config struct {
	Room   *Room
	Limit  int64 // of bytes kept
	Lead   int64 // how far the handler may run ahead of its only reader
	Head   bool  // the request's method is HEAD: there is no body
	Header time.Duration
	Idle   time.Duration // between two writes, while keeping
	// Attempt ends the flight unless Begin was called before; 0 = none.
	Attempt time.Duration

	// Judge is called on the handler's goroutine with the final header,
	// which it may change.
	Judge func(status int, header http.Header) Verdict
	// Commit is called when the handler returned normally, before readers
	// learn that the response is complete.
	Commit func(Result)
	// Ended is called once, when the flight completed (nil) or failed. It may come
	// from a timer's goroutine, while the handler still runs.
	Ended func(State, *Failure)
}

// State is what a flight is at one moment.
type State struct {
	Phase    Phase
	Status   int
	Header   http.Header // read only
	Trailer  http.Header // read only, once complete
	Note     any         // the verdict's
	Keep     bool
	Outgrown bool  // kept at first, but the body was too large or there was no room
	NoRoom   bool  // … and this is why
	Buffered int64 // bytes of the body that have arrived
	Flushed  int64 // bytes that the handler wants to be sent at once
	Interims int
	Failure  *Failure
}

// Flight is one fetch. Its methods are safe for concurrent use.
type Flight struct {
	Started int64 // Unix nanoseconds, for the owner
	Note    any   // for the owner, set before Start

	cfg      Config
	ctx      context.Context
	cancel   context.CancelCauseFunc
	returned chan struct{} // closed when the handler has returned

	mu       sync.Mutex
	changed  chan struct{} // made by who waits, closed at the next change
	state    State
	interims []Interim
	buf      buffer
	starter  *Reader
	readers  map[*Reader]struct{}
	begun    bool // a reader has sent bytes of this response
	closing  bool // the handler has returned normally, its response is being committed
	gone     bool // the handler has returned
	orphan   bool // failed while the handler was running
	declared int64
	orphans  *atomic.Int64 // of the group
	header   *time.Timer
	idle     *time.Timer
	attempt  *time.Timer
	untie    func() bool
}

// New prepares a flight whose handler gets ctx, without its cancellation being
// anyone's but the flight's.
func New(ctx context.Context, cfg Config) *Flight {
	f := &Flight{cfg: cfg, returned: make(chan struct{}), declared: -1, readers: map[*Reader]struct{}{}}
	f.ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	f.buf.room = cfg.Room
	return f
}

// Context returns the context that the handler must get.
func (f *Flight) Context() context.Context { return f.ctx }

// Returned is closed when the handler has returned.
func (f *Flight) Returned() <-chan struct{} { return f.returned }

// State returns the present state.
func (f *Flight) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Cancel fails the flight, for Close.
func (f *Flight) Cancel() { f.fail(&Failure{Cause: Cancelled}, ErrCancelled, nil) }

// Attach adds a reader. The starter is the one for whose request the handler
// runs: the handler waits for it, and only it may see an unshared response.
// client ends when the reader's client leaves.
func (f *Flight) Attach(client context.Context, starter bool) *Reader {
	r := &Reader{f: f, client: client}
	f.mu.Lock()
	defer f.mu.Unlock()
	if starter {
		f.starter = r
	}
	f.readers[r] = struct{}{}
	return r
}

// notify wakes all who wait. The caller holds the lock.
func (f *Flight) notify() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// wait returns a channel that is closed at the next change. The caller holds the lock.
func (f *Flight) wait() <-chan struct{} {
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

// fail ends the flight unless it has ended, or unless holds.
func (f *Flight) fail(failure *Failure, cause error, unless func() bool) {
	f.mu.Lock()
	if f.state.Phase >= Complete || unless != nil && unless() {
		f.mu.Unlock()
		return
	}
	f.state.Phase, f.state.Failure = Failed, failure
	if !f.gone && f.orphans != nil {
		f.orphan = true
		f.orphans.Add(1)
	}
	f.stopTimers()
	f.notify()
	f.releaseIfUnused()
	state := f.state
	f.mu.Unlock()

	f.cancel(cause)
	if f.cfg.Ended != nil {
		f.cfg.Ended(state, failure)
	}
}

// stopTimers is called with the lock held.
func (f *Flight) stopTimers() {
	for _, t := range [...]*time.Timer{f.header, f.idle, f.attempt} {
		if t != nil {
			t.Stop()
		}
	}
	if f.untie != nil {
		f.untie()
	}
}

// releaseIfUnused gives the buffer back once nobody can read or write it. The caller holds the lock.
func (f *Flight) releaseIfUnused() {
	if f.state.Phase >= Complete && f.gone && len(f.readers) == 0 {
		f.buf.release()
	}
}

// trim drops what no reader may still ask for, once the body is not kept. The
// caller holds the lock.
func (f *Flight) trim() {
	low := f.buf.end
	for r := range f.readers {
		at := r.off
		if r != f.starter {
			at = max(at, f.buf.end-f.cfg.Limit)
		}
		low = min(low, at)
	}
	f.buf.dropBelow(low)
}
