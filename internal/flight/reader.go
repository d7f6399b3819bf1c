// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"time"
)

// Reader follows a flight for one client. Its methods are for one goroutine.
type Reader struct {
	f       *Flight
	client  context.Context
	off     int64
	starved time.Time     // since when it has waited for bytes, zero while it has some
	delayed time.Duration // how long the handler has waited for it alone
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
		state, changed := r.look()
		if ready(state) {
			return state, Ready
		}
		select {
		case <-changed:
		case <-r.client.Done():
			return state, Left
		case <-timer:
			if state, _ = r.look(); ready(state) { // at the same moment
				return state, Ready
			}
			return state, Expired
		}
	}
}

// look returns the state and a channel that is closed at the next change.
func (r *Reader) look() (State, <-chan struct{}) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	return r.f.state, r.f.wait()
}

// Begin is called before the first byte of the response is sent. From then on
// the flight isn't given up for the sake of stored copies. False means that
// the flight has failed.
func (r *Reader) Begin() bool {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase == Failed {
		return false
	}
	f.begun = true
	stop(f.timers.attempt)
	return true
}

// Interims returns the 1xx responses that arrived since the last call.
func (r *Reader) Interims() []Interim {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	list := r.f.interims[r.interim:len(r.f.interims):len(r.f.interims)]
	r.interim = len(r.f.interims)
	return list
}

// Next returns the next bytes of the body without copying, waiting for some if
// there are none. They must not be modified. Advance says that they were used.
// It returns nothing when the handler has flushed more often than flushes times,
// and at the end: with the state Complete, or with Failed where the body breaks off.
// Where Commit returned true, Complete may come before the end.
func (r *Reader) Next(flushes int) ([]byte, State, WaitEnd) {
	for {
		p, state, changed := r.peek()
		if len(p) > 0 || state.Phase >= Complete || state.Flushes > flushes {
			return p, state, Ready
		}
		select {
		case <-changed:
		case <-r.client.Done():
			return nil, state, Left
		}
	}
}

// peek returns what there is. To a reader that fell behind, the flight has failed.
func (r *Reader) peek() ([]byte, State, <-chan struct{}) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	p, there := f.buf.from(r.off)
	state := f.state
	switch {
	case state.Phase == Failed, f.elsewhere:
		return nil, state, nil
	case !there:
		state.Phase, state.Failure = Failed, &Failure{Cause: Cancelled}
		return nil, state, nil
	case len(p) > 0 || state.Phase == Complete:
		r.starved = time.Time{}
		return p, state, nil
	}
	if !state.Keep && r.starved.IsZero() {
		r.starved = time.Now()
	}
	return nil, state, f.wait()
}

// Advance notes that n bytes were used.
func (r *Reader) Advance(n int) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	r.off += int64(n)
	f.moved()
}

// moved follows a change of the readers. The caller holds the lock.
func (f *Flight) moved() {
	if f.state.Keep || f.state.Phase != Header && f.state.Phase != Complete {
		return
	}
	f.trim()
	f.notify() // the handler may be waiting
}

// Due reports whether the handler flushed since, and all that it flushed was used.
func (r *Reader) Due(state State, flushes int) bool {
	return state.Flushes > flushes && r.off >= state.Flushed
}

// Offset returns how much of the body was used.
func (r *Reader) Offset() int64 { return r.off }

// Leave ends the reader; a second call does nothing. A flight whose response is kept goes
// on without it.
func (r *Reader) Leave() {
	f := r.f
	f.mu.Lock()
	delete(f.readers, r)
	f.moved()
	f.releaseIfUnused()
	f.mu.Unlock()
	f.cancelUnwanted()
}
