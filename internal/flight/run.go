// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"runtime/debug"
	"time"
)

// start arms the timers and calls the handler on a goroutine of its own. after
// runs when the handler has returned, whatever way.
func (f *Flight) start(h http.Handler, r *http.Request, after func()) {
	f.mu.Lock()
	if d := f.cfg.Header; d > 0 {
		f.header = time.AfterFunc(d, func() { f.fail(&Failure{Cause: HeaderTimeout}, ErrTimeout, nil) })
	}
	if d := f.cfg.Attempt; d > 0 {
		f.attempt = time.AfterFunc(d, f.giveUp)
	}
	f.mu.Unlock()
	go f.run(h, r, after)
}

// giveUp ends an attempt whose readers all have a copy to fall back on.
func (f *Flight) giveUp() {
	f.fail(&Failure{Cause: AttemptTimeout}, ErrTimeout, func() bool { return f.begun })
}

// run calls the handler. A panic ends here, never the process: whoever reads
// the flight decides where it is raised again. All is done in the deferred call,
// since after runtime.Goexit nothing else runs.
func (f *Flight) run(h http.Handler, r *http.Request, after func()) {
	w := &writer{f: f, header: http.Header{}}
	returned := false
	defer func() {
		value := recover()
		switch {
		case value == http.ErrAbortHandler:
			f.fail(&Failure{Cause: Aborted, Value: value}, ErrEnded, nil)
		case value != nil:
			f.fail(&Failure{Cause: Panicked, Value: value, Stack: debug.Stack()}, ErrEnded, nil)
		case !returned:
			f.fail(&Failure{Cause: Exited}, ErrEnded, nil)
		}
		f.land()
		after()
	}()
	h.ServeHTTP(w, r)
	w.finish()
	returned = true
}

// land notes that the handler has returned.
func (f *Flight) land() {
	f.mu.Lock()
	f.gone = true
	if f.orphan {
		f.orphans.Add(-1)
	}
	f.stopTimers()
	f.releaseIfUnused()
	f.mu.Unlock()
	f.cancel(ErrEnded)
	close(f.returned)
}
