// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"runtime/debug"
)

// start arms the timers and calls the handler on a goroutine of its own.
func (f *Flight) start(h http.Handler, r *http.Request) {
	f.arm()
	go f.run(h, r)
}

// run calls the handler. A panic ends here, never the process: whoever reads
// the flight decides where it is raised again. All is done in the deferred call,
// since after runtime.Goexit nothing else runs.
func (f *Flight) run(h http.Handler, r *http.Request) {
	w := &writer{f: f, header: http.Header{}}
	returned := false
	defer func() {
		failure := failureOf(recover(), returned)
		f.handlerReturned()
		if failure != nil && !f.fail(failure) && failure.Cause == Panicked && f.cfg.Late != nil {
			f.cfg.Late(failure)
		}
		f.land()
	}()
	h.ServeHTTP(w, r)
	f.handlerReturned()
	w.finish()
	returned = true
}

// failureOf says how a handler ended that panicked with value, or nil. It is called while the
// panic's frames are still on the stack.
func failureOf(value any, returned bool) *Failure {
	switch {
	case value == http.ErrAbortHandler:
		return &Failure{Cause: Aborted, Value: value}
	case value != nil:
		return &Failure{Cause: Panicked, Value: value, Stack: debug.Stack()}
	case !returned:
		return &Failure{Cause: Exited}
	}
	return nil
}

func (f *Flight) handlerReturned() {
	f.mu.Lock()
	f.back = true
	f.mu.Unlock()
}

// land takes the flight out of its group. First of all nobody may join it any more, since
// then its buffer goes; who waits for the key learns of it last, when the key is free. Who
// begins the next flight finds noted how this one failed, also if the handler, having been
// cancelled, returned before that.
func (f *Flight) land() {
	f.noting.Wait()
	f.group.unlist(f)
	f.mu.Lock()
	f.landed = true
	if f.orphan {
		f.group.abandoned.Add(-1)
	}
	f.stopTimers()
	f.releaseIfUnused()
	f.mu.Unlock()
	f.cancel(ErrEnded)
	close(f.returned)
	f.group.forget(f)
}
