// SPDX-License-Identifier: MIT

package conformance

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// recorder is a ResponseWriter that does what net/http's server does with a header: it
// takes a snapshot at the final WriteHeader, adds Date, Content-Type and Content-Length,
// and knows trailers.
type recorder struct {
	head    bool // the request was HEAD
	header  http.Header
	got     got
	body    bytes.Buffer
	written int // also of what HEAD discards
	wrote   bool
	flushed bool
	over    atomic.Bool
	// misused is told of what no handler may do with a ResponseWriter.
	misused func(what string)
}

func newRecorder(method string, misused func(string)) *recorder {
	return &recorder{head: method == http.MethodHead, header: http.Header{}, misused: misused}
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	switch {
	case w.over.Load():
		w.misused("WriteHeader after ServeHTTP returned")
	case w.wrote:
		w.misused("WriteHeader for a second time")
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		w.got.early = append(w.got.early, interim{status, w.header.Clone()})
	default:
		w.wrote = true
		w.got.status, w.got.header = status, w.header.Clone()
		if _, given := w.header["Date"]; !given {
			w.got.header["Date"] = []string{time.Now().UTC().Format(http.TimeFormat)}
		}
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.over.Load() {
		w.misused("Write after ServeHTTP returned")
		return 0, http.ErrHandlerTimeout
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if !bodyAllowed(w.got.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if n, declared := w.declared(); declared && w.written+len(p) > n {
		return 0, http.ErrContentLength
	}
	if w.written == 0 {
		w.sniff(p)
	}
	w.written += len(p)
	if !w.head {
		w.body.Write(p)
	}
	return len(p), nil
}

func (w *recorder) sniff(p []byte) {
	h := w.got.header
	_, given := h["Content-Type"]
	if !given && len(p) > 0 && h.Get("Content-Encoding") == "" {
		h.Set("Content-Type", http.DetectContentType(p))
	}
}

// Flush implements http.Flusher.
func (w *recorder) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.flushed = true
}

func (w *recorder) declared() (n int, declared bool) {
	n, err := strconv.Atoi(w.got.header.Get("Content-Length"))
	return n, err == nil
}

// end is called when ServeHTTP has returned, aborted if by a panic.
func (w *recorder) end(aborted bool) got {
	if !w.wrote && !aborted {
		w.WriteHeader(http.StatusOK)
	}
	w.over.Store(true)
	w.got.body, w.got.aborted = w.body.Bytes(), aborted
	if aborted {
		return w.got
	}
	n, declared := w.declared()
	switch {
	case w.head || !bodyAllowed(w.got.status):
	case declared:
		w.got.aborted = w.written < n // the server closes the connection then
	case !w.flushed && w.written < 2048 && w.got.header.Get("Trailer") == "":
		w.got.header.Set("Content-Length", strconv.Itoa(w.written))
	}
	w.got.trailer = w.trailer()
	return w.got
}

// trailer finds what was announced, and what http.TrailerPrefix marks.
func (w *recorder) trailer() http.Header {
	trailer := http.Header{}
	for name := range strings.SplitSeq(joined(w.got.header["Trailer"]), ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if values, given := w.header[name]; given {
			trailer[name] = values
		}
	}
	for name, values := range w.header {
		if name, marked := strings.CutPrefix(name, http.TrailerPrefix); marked {
			trailer[name] = values
		}
	}
	return trailer
}

// bodyAllowed reports whether a status can have a body (RFC 9110 §6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
