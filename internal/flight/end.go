// SPDX-License-Identifier: MIT

package flight

import "net/http"

// Cancel fails the flight, for Close.
func (f *Flight) Cancel() { f.interrupt(&Failure{Cause: Cancelled}, ErrCancelled, nil) }

// GiveUp ends a flight that may not go on without those who waited: an attempt that took too long, or
// one whose body they have no time for.
func (f *Flight) GiveUp() {
	f.interrupt(&Failure{Cause: AttemptTimeout}, ErrTimeout, func() bool { return f.state.Phase == Waiting })
	f.Cancel()
}

// cancelUnwanted ends a flight whose response nobody needs any more.
func (f *Flight) cancelUnwanted() {
	f.interrupt(&Failure{Cause: Cancelled}, ErrCancelled, f.unwanted)
}

// unwanted reports whether a body is being written that is neither kept nor followed.
// The caller holds the lock.
func (f *Flight) unwanted() bool {
	if f.state.Phase != Header || f.state.Keep || !f.hasBody() {
		return false
	}
	_, followed := f.pace()
	return !followed
}

// interrupt fails the flight from outside of its handler, if when agrees, which is asked under
// the lock. A response that is whole can't be interrupted any more.
func (f *Flight) interrupt(failure *Failure, cause error, when func() bool) {
	f.mu.Lock()
	if f.state.Phase >= Complete || f.closing || when != nil && !when() {
		f.mu.Unlock()
		return
	}
	f.failAndUnlock(failure, cause)
}

// fail fails the flight from the handler's goroutine. False means that it had ended before.
func (f *Flight) fail(failure *Failure) bool {
	f.mu.Lock()
	if f.state.Phase >= Complete {
		f.mu.Unlock()
		return false
	}
	f.failAndUnlock(failure, ErrEnded)
	return true
}

// failAndUnlock makes the flight a failed one. The caller holds the lock, which is released
// before anyone is called.
func (f *Flight) failAndUnlock(failure *Failure, cause error) {
	f.state.Phase, f.state.Failure = Failed, failure
	if !f.back && f.group != nil {
		f.orphan = true
		f.group.abandoned.Add(1)
	}
	f.stopTimers()
	state := f.state
	f.noting.Add(1)
	f.mu.Unlock()

	f.cancel(cause)
	tell := f.note(state, failure)
	f.noting.Done()
	tell()
	// Only now, so that who is answered because of the failure finds it noted.
	f.mu.Lock()
	f.notify()
	f.releaseIfUnused()
	f.mu.Unlock()
}

func (f *Flight) note(state State, failure *Failure) (tell func()) {
	if f.cfg.Ended != nil {
		tell = f.cfg.Ended(state, failure)
	}
	if tell == nil {
		tell = func() {}
	}
	return tell
}

// complete is called on the handler's goroutine after it returned normally.
func (f *Flight) complete(trailer http.Header) {
	f.mu.Lock()
	if f.state.Phase != Header {
		f.mu.Unlock()
		return
	}
	if f.hasBody() && f.declared >= 0 && f.declared != f.buf.end {
		f.failAndUnlock(&Failure{Cause: Truncated}, ErrEnded)
		return
	}
	f.closing = true // from here on nothing changes the buffer
	f.stopTimers()
	result := Result{
		Status: f.state.Status, Header: f.state.Header, Note: f.state.Note,
		Keep: f.state.Keep && !f.overrun,
	}
	f.mu.Unlock()

	elsewhere := false
	if f.cfg.Commit != nil {
		if result.Keep {
			result.Body = f.buf.whole()
		}
		elsewhere = f.cfg.Commit(result) && result.Keep
	}

	f.mu.Lock()
	state := f.state
	f.mu.Unlock()
	state.Phase, state.Trailer = Complete, trailer
	f.note(state, nil)()
	f.mu.Lock()
	f.state.Phase, f.state.Trailer = Complete, trailer
	if elsewhere {
		f.elsewhere = true
		f.buf.release()
	}
	f.notify()
	f.mu.Unlock()
	f.cancel(nil)
}

// releaseIfUnused gives the buffer back once nobody can read or write it. The caller holds the lock.
func (f *Flight) releaseIfUnused() {
	if f.state.Phase >= Complete && f.landed && len(f.readers) == 0 {
		f.buf.release()
	}
}
