// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"time"
)

// Reader follows a flight for one client.
type Reader struct {
	f       *Flight
	client  context.Context
	off     int64
	interim int
}

// WaitEnd says why a wait ended.
type WaitEnd uint8

// The ends of a wait.
const (
	Ready   WaitEnd = iota // what was waited for is there
	Expired                // the timer fired
	Left                   // the client is gone
)

// Wait returns when ready holds, the timer fires or the client leaves.
func (r *Reader) Wait(timer <-chan time.Time, ready func(State) bool) (State, WaitEnd) {
	for {
		r.f.mu.Lock()
		state := r.f.state
		if ready(state) {
			r.f.mu.Unlock()
			return state, Ready
		}
		changed := r.f.wait()
		r.f.mu.Unlock()
		select {
		case <-changed:
		case <-timer:
			return state, Expired
		case <-r.client.Done():
			return state, Left
		}
	}
}

// Begin is called before the first byte of the response is sent. From then on
// the flight isn't given up for the sake of stored copies. False means that
// the flight has failed.
func (r *Reader) Begin() bool {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.f.state.Phase == Failed {
		return false
	}
	r.f.begun = true
	if r.f.attempt != nil {
		r.f.attempt.Stop()
	}
	return true
}

// Interims returns the 1xx responses that arrived since the last call.
func (r *Reader) Interims() []Interim {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	list := r.f.interims[r.interim:]
	r.interim = len(r.f.interims)
	return list
}

// Next returns the next bytes of the body without copying, waiting for some if
// there are none. They must not be modified. Advance says that they were used.
// At the end it returns nothing with the state Complete; nothing with Failed
// means that the body breaks off here.
func (r *Reader) Next() ([]byte, State, WaitEnd) {
	f := r.f
	for {
		f.mu.Lock()
		p, there := f.buf.from(r.off)
		state := f.state
		if !there { // fell behind the window
			f.mu.Unlock()
			state.Phase, state.Failure = Failed, &Failure{Cause: Cancelled}
			return nil, state, Ready
		}
		if len(p) > 0 && state.Phase != Failed || state.Phase >= Complete {
			f.mu.Unlock()
			return p, state, Ready
		}
		changed := f.wait()
		f.mu.Unlock()
		select {
		case <-changed:
		case <-r.client.Done():
			return nil, state, Left
		}
	}
}

// Advance notes that n bytes were used.
func (r *Reader) Advance(n int) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	r.off += int64(n)
	if !f.state.Keep && f.state.Phase == Header {
		f.trim()
		f.notify() // the handler may be waiting for its reader
	}
}

// Flushed reports whether all that the handler flushed has been used.
func (r *Reader) Flushed(state State) bool { return r.off >= state.Flushed }

// Offset returns how much of the body was used.
func (r *Reader) Offset() int64 { return r.off }

// Leave ends the reader. A flight whose response is kept goes on without it.
func (r *Reader) Leave() {
	f := r.f
	f.mu.Lock()
	delete(f.readers, r)
	unread := f.state.Phase == Header && !f.state.Keep && len(f.readers) == 0
	if f.state.Phase == Header && !f.state.Keep {
		f.trim()
	}
	f.notify()
	f.releaseIfUnused()
	f.mu.Unlock()
	if unread {
		f.Cancel()
	}
}
