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
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Flight is one fetch. Its methods are safe for concurrent use.
type Flight struct {
	Started int64 // Unix nanoseconds, for the owner
	Note    any   // for the owner, set before Start

	cfg      Config
	ctx      context.Context
	cancel   context.CancelCauseFunc
	group    *Group
	key      Key
	returned chan struct{} // closed when the handler has returned
	sniffed  atomic.Bool
	noting   sync.WaitGroup // while Ended is told of a failure

	mu        sync.Mutex
	changed   chan struct{} // made by who waits, closed at the next change
	state     State
	interims  []Interim
	buf       buffer
	starter   *Reader
	readers   map[*Reader]struct{}
	begun     bool          // a reader has sent bytes of this response
	closing   bool          // the response is whole and being committed
	elsewhere bool          // the owner has the whole body
	back      bool          // the handler has returned
	landed    bool          // … and nobody can join any more
	orphan    bool          // failed while the handler was running
	overtaken bool          // the starter stands still, and others don't wait for it
	stands    time.Duration // how long the handler has waited for a starter that doesn't move
	waited    time.Duration // for readers that are slower than others
	overrun   bool          // the handler tried to write more than it declared
	declared  int64         // Content-Length, or -1
	outgrown  time.Time     // when the body grew larger than what is kept
	wrote     time.Time     // last write, while there is an idle timer
	timers    timers
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

// Returned is closed when the handler has returned and the flight's key is free.
func (f *Flight) Returned() <-chan struct{} { return f.returned }

// State returns the present state.
func (f *Flight) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

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

// maxInterims bounds the 1xx responses that are remembered: nobody needs more, and a
// handler could send them for ever.
const maxInterims = 32

// interim passes a 1xx response to whoever waits for the starter.
func (f *Flight) interim(status int, h http.Header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase != Waiting || len(f.interims) == maxInterims {
		return
	}
	f.interims = append(f.interims, Interim{Status: status, Header: h})
	f.state.Interims++
	f.notify()
}

// judge asks the owner about the final header and lets readers see it.
func (f *Flight) judge(status int, h http.Header) {
	if f.State().Phase != Waiting {
		return
	}
	verdict := Verdict{}
	if f.cfg.Judge != nil {
		verdict = f.cfg.Judge(status, h)
	}
	f.mu.Lock()
	if f.state.Phase == Waiting {
		f.declared = contentLength(h)
		f.state.Phase, f.state.Status, f.state.Header = Header, status, h
		f.state.Keep, f.state.Note = verdict.Keep, verdict.Note
		f.armForBody()
		f.notify()
	}
	f.mu.Unlock()
	f.cancelUnwanted()
}

// hasBody reports whether bytes may follow the header. The caller holds the lock.
func (f *Flight) hasBody() bool { return !f.cfg.Head && bodyAllowed(f.state.Status) }
