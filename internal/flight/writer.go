// SPDX-License-Identifier: MIT

package flight

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// writer is the http.ResponseWriter of a flight. Like net/http's, it takes the
// header as it is at WriteHeader, sends it with the first bytes, a flush or the
// return, and sniffs the content type from what was written until then.
type writer struct {
	f      *Flight
	header http.Header

	mu       sync.Mutex // goroutines of a handler may write while it returns
	status   int
	final    http.Header // snapshot at WriteHeader
	declared int64       // Content-Length, or -1
	trailers []string    // names declared in the field Trailer
	pending  []byte      // written before the content type is known
	judged   bool
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.status != 0: // superfluous, as in net/http
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.f.interim(status, w.header.Clone())
	default:
		w.snapshot(status)
	}
}

// snapshot takes the final header, unless there is one. The caller holds the lock.
func (w *writer) snapshot(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	w.final = w.header.Clone()
	if w.declared = contentLength(w.final); w.declared < 0 {
		delete(w.final, "Content-Length")
	}
	w.trailers = declaredTrailers(w.final)
}

func (w *writer) Write(p []byte) (int, error) {
	switch held, err := w.hold(p); {
	case err != nil:
		return 0, err
	case held || w.f.cfg.Head:
		return len(p), nil
	}
	return w.f.write(p)
}

// WriteString is Write for io.StringWriter.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// hold does what comes before the body's bytes. True means that p was kept for sniffing,
// or is nothing.
func (w *writer) hold(p []byte) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snapshot(http.StatusOK)
	total := len(w.pending) + len(p)
	switch {
	case len(p) == 0:
		return true, nil
	case !bodyAllowed(w.status):
		return false, http.ErrBodyNotAllowed
	case w.judged:
		return false, nil
	case w.sniffs() && total < sniffLen && (w.declared < 0 || int64(total) <= w.declared):
		w.pending = append(w.pending, p...)
		return true, nil
	}
	return false, w.open(p)
}

// Flush sends what was written to those who follow.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *writer) FlushError() error {
	w.mu.Lock()
	w.snapshot(http.StatusOK)
	err := w.open(nil)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return w.f.flush()
}

// open has the header judged and passes on what was kept for sniffing. next is what
// comes after. The caller holds the lock.
func (w *writer) open(next []byte) error {
	if w.judged {
		return nil
	}
	w.judged = true
	w.sniff(next)
	w.f.judge(w.status, w.final)
	kept := w.pending
	w.pending = nil
	if len(kept) == 0 || w.f.cfg.Head {
		return nil
	}
	_, err := w.f.write(kept) // fits into a first chunk: doesn't wait
	return err
}

// finish is called when the handler has returned normally.
func (w *writer) finish() {
	w.mu.Lock()
	w.snapshot(http.StatusOK)
	_ = w.open(nil) // complete sees what is missing
	trailer := collectTrailer(w.header, w.trailers)
	w.mu.Unlock()
	w.f.complete(trailer)
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// contentLength returns the declared length, or -1.
func contentLength(h http.Header) int64 {
	n, err := strconv.ParseUint(h.Get("Content-Length"), 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}
