// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// writer is the http.ResponseWriter of a flight. Like net/http's, it takes the
// header as it is at WriteHeader, sends it with the first byte, a flush or the
// return, and sniffs the content type from the first write.
type writer struct {
	f      *Flight
	header http.Header
	final  http.Header // snapshot at WriteHeader
	status int
	judged bool
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if w.status != 0 {
		return // superfluous, as in net/http
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.f.interim(status, w.header.Clone())
		return
	}
	w.status = status
	w.final = w.header.Clone()
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.judged {
		w.sniff(p)
		w.judge()
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.f.cfg.Head {
		return len(p), nil
	}
	return w.f.write(p)
}

func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Flush sends what was written to those who follow.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.judged {
		w.judge()
	}
	return w.f.flush()
}

// sniff does what net/http does to a response without a content type.
func (w *writer) sniff(p []byte) {
	_, typed := w.final["Content-Type"]
	if typed || len(p) == 0 || w.final.Get("Content-Encoding") != "" || !bodyAllowed(w.status) {
		return
	}
	if w.final == nil {
		w.final = http.Header{}
	}
	w.final.Set("Content-Type", http.DetectContentType(p))
}

func (w *writer) judge() {
	w.judged = true
	if w.final == nil {
		w.final = http.Header{}
	}
	w.f.judge(w.status, w.final)
}

// finish is called when the handler has returned normally.
func (w *writer) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.judged {
		w.judge()
	}
	w.f.complete(w.trailer())
}

// trailer collects what the handler declared in Trailer, or set with
// http.TrailerPrefix, after the header was written.
func (w *writer) trailer() http.Header {
	var t http.Header
	add := func(name string, values []string) {
		if t == nil {
			t = http.Header{}
		}
		t[name] = append([]string(nil), values...)
	}
	for _, line := range w.final["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values := w.header[name]; len(values) > 0 {
				add(name, values)
			}
		}
	}
	for name, values := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			add(name, values)
		}
	}
	return t
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// interim passes a 1xx response to whoever waits for the starter.
func (f *Flight) interim(status int, h http.Header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase != Waiting {
		return
	}
	f.interims = append(f.interims, Interim{Status: status, Header: h})
	f.state.Interims++
	f.notify()
}

// judge asks the owner about the final header and lets readers see it.
func (f *Flight) judge(status int, h http.Header) {
	verdict := Verdict{}
	if f.cfg.Judge != nil {
		verdict = f.cfg.Judge(status, h)
	}
	f.mu.Lock()
	if f.state.Phase != Waiting {
		f.mu.Unlock()
		return
	}
	if f.header != nil {
		f.header.Stop()
	}
	f.declared = contentLength(h)
	f.state.Phase, f.state.Status, f.state.Header = Header, status, h
	f.state.Keep, f.state.Note = verdict.Keep, verdict.Note
	unread := false
	switch {
	case verdict.Keep && f.cfg.Idle > 0:
		f.idle = time.AfterFunc(f.cfg.Idle, func() { f.fail(&Failure{Cause: IdleTimeout}, ErrTimeout, nil) })
	case !verdict.Keep && f.starter != nil:
		f.untie = context.AfterFunc(f.starter.client, f.Cancel)
	case !verdict.Keep:
		unread = len(f.readers) == 0 && bodyAllowed(status) && !f.cfg.Head
	}
	f.notify()
	f.mu.Unlock()
	if unread { // a background fetch whose response nobody will see
		f.Cancel()
	}
}

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// write appends p, waiting for the starter's client where the body isn't kept.
func (f *Flight) write(p []byte) (int, error) {
	done := 0
	for {
		f.mu.Lock()
		if f.state.Phase != Header || f.closing {
			f.mu.Unlock()
			return done, ErrEnded
		}
		if f.declared >= 0 && f.buf.end+int64(len(p)-done) > f.declared {
			f.mu.Unlock()
			return done, http.ErrContentLength
		}
		done += f.take(p[done:])
		f.state.Buffered = f.buf.end
		if f.idle != nil && f.state.Keep {
			f.idle.Reset(f.cfg.Idle)
		}
		f.notify()
		if !f.state.Keep && len(f.readers) == 0 { // outgrown, and nobody wants it
			f.mu.Unlock()
			f.Cancel()
			return done, ErrEnded
		}
		if done == len(p) {
			f.mu.Unlock()
			return done, nil
		}
		changed := f.wait()
		f.mu.Unlock()
		select {
		case <-changed:
		case <-f.ctx.Done():
			return done, ErrEnded
		}
	}
}

// take appends what it may. The caller holds the lock.
func (f *Flight) take(p []byte) int {
	if f.state.Keep {
		if f.buf.end+int64(len(p)) <= f.cfg.Limit {
			n := f.buf.append(p)
			if n == len(p) {
				return n
			}
			f.outgrow(true)
			return n
		}
		f.outgrow(false)
	}
	f.trim()
	if _, reading := f.readers[f.starter]; reading {
		lead := max(f.cfg.Lead, lastChunk)
		return f.buf.append(p[:max(0, min(int64(len(p)), f.starter.off+lead-f.buf.end))])
	}
	n := f.buf.append(p)
	if n < len(p) { // no room, and the handler waits for nobody: who is behind falls off
		f.buf.dropBelow(f.buf.end)
		n += f.buf.append(p[n:])
	}
	return n
}

// outgrow gives up keeping the body. The caller holds the lock.
func (f *Flight) outgrow(noRoom bool) {
	f.state.Keep, f.state.Outgrown, f.state.NoRoom = false, true, noRoom
	if f.idle != nil {
		f.idle.Stop()
	}
}

func (f *Flight) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase != Header {
		return ErrEnded
	}
	f.state.Flushed = f.buf.end
	f.notify()
	return nil
}

// complete is called on the handler's goroutine after it returned normally.
func (f *Flight) complete(trailer http.Header) {
	f.mu.Lock()
	if f.state.Phase != Header {
		f.mu.Unlock()
		return
	}
	whole := f.cfg.Head || !bodyAllowed(f.state.Status) || f.declared < 0 || f.declared == f.buf.end
	if !whole {
		f.mu.Unlock()
		f.fail(&Failure{Cause: Truncated}, ErrEnded, nil)
		return
	}
	result := Result{Status: f.state.Status, Header: f.state.Header, Note: f.state.Note, Keep: f.state.Keep}
	if result.Keep {
		result.Body = f.buf.bytes()
	}
	f.closing = true
	f.stopTimers()
	f.mu.Unlock()

	if f.cfg.Commit != nil {
		f.cfg.Commit(result)
	}

	f.mu.Lock()
	if f.state.Phase != Header { // cancelled in between
		f.mu.Unlock()
		return
	}
	f.state.Phase, f.state.Trailer = Complete, trailer
	f.notify()
	state := f.state
	f.mu.Unlock()
	f.cancel(nil)
	if f.cfg.Ended != nil {
		f.cfg.Ended(state, nil)
	}
}
