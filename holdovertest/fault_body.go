// SPDX-License-Identifier: MIT

package holdovertest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Truncate sends the header of the working answer, with its Content-Length, and that share of
// the body, from 0 to 1; then the connection is cut. At least one byte is missing. An answer
// without a body comes as it is. As with the other faults of a body, the handler that works
// finishes first: of one that never does nothing comes.
func Truncate(share float64) Fault {
	checkShare("Truncate", share)
	return broken(func(w http.ResponseWriter, _ *http.Request, a *recorded) {
		a.part(w, min(a.share(share), a.body.Len()-1), true)
		cut()
	})
}

// TruncateChunked is Truncate without the Content-Length: the end of the body is missing,
// also if the share is 1.
func TruncateChunked(share float64) Fault {
	checkShare("TruncateChunked", share)
	return broken(func(w http.ResponseWriter, _ *http.Request, a *recorded) {
		a.part(w, a.share(share), false)
		cut()
	})
}

// Stall sends the header of the working answer, with its Content-Length, and that share of
// the body, from 0 to 1, and then nothing until the context has ended. Then the connection
// is cut. At least one byte is missing. An answer without a body comes as it is.
func Stall(share float64) Fault {
	checkShare("Stall", share)
	return broken(func(w http.ResponseWriter, r *http.Request, a *recorded) {
		a.part(w, min(a.share(share), a.body.Len()-1), true)
		hang(r)
		cut()
	})
}

// Drip sends the working answer so many bytes at a time, one piece every so often. Where the
// context ends before the last one the connection is cut.
func Drip(chunk int, every time.Duration) Fault {
	if chunk < 1 {
		panic(fmt.Sprintf("holdovertest: Drip: pieces of %d bytes", chunk))
	}
	return broken(func(w http.ResponseWriter, r *http.Request, a *recorded) {
		a.part(w, 0, true)
		for a.body.Len() > 0 {
			if pause(r.Context(), every) != nil {
				cut()
			}
			_, _ = w.Write(a.body.Next(chunk)) // a client that left needs none
			flush(w)
		}
	})
}

func checkShare(of string, share float64) {
	if !(share >= 0 && share <= 1) { // also NaN
		panic(fmt.Sprintf("holdovertest: %s: a share of %v isn't from 0 to 1", of, share))
	}
}

// broken lets the handler work first, and gives its answer to whoever spoils it, if it has a
// body.
func broken(spoil func(http.ResponseWriter, *http.Request, *recorded)) Fault {
	return func(working http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := &recorded{w: w}
			working.ServeHTTP(a, r)
			a.WriteHeader(http.StatusOK)
			if a.body.Len() == 0 || !hasBody(r.Method, a.status) {
				a.restore()
				w.WriteHeader(a.status)
				return
			}
			spoil(w, r, a)
		})
	}
}

// hasBody reports whether an answer may have one.
func hasBody(method string, status int) bool {
	return method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// recorded is a whole answer that waits to be sent. Its header is that of the writer that it
// will go to, so that informational responses pass.
type recorded struct {
	w      http.ResponseWriter
	status int
	header http.Header // as it was at the final WriteHeader
	body   bytes.Buffer
}

func (a *recorded) Header() http.Header { return a.w.Header() }

func (a *recorded) WriteHeader(status int) {
	switch {
	case a.status != 0:
	case status < 200 && status != http.StatusSwitchingProtocols:
		a.w.WriteHeader(status)
	default:
		a.status, a.header = status, a.w.Header().Clone()
	}
}

func (a *recorded) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Flush does nothing: the answer is sent once it is whole.
func (a *recorded) Flush() { a.WriteHeader(http.StatusOK) }

// restore undoes what was changed in the header after it counted.
func (a *recorded) restore() {
	h := a.w.Header()
	clear(h)
	maps.Copy(h, a.header)
}

// part sends the header, with or without a Content-Length, and the first bytes of the body.
func (a *recorded) part(w http.ResponseWriter, bytes int, length bool) {
	a.restore()
	h := w.Header()
	switch {
	case !length:
		h.Del("Content-Length")
	case h.Get("Content-Length") == "":
		h.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	if _, typed := h["Content-Type"]; !typed && h.Get("Content-Encoding") == "" {
		h.Set("Content-Type", http.DetectContentType(a.body.Bytes())) // not that of the part
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Next(bytes)) // a client that left needs none
	flush(w)
}

func (a *recorded) share(of float64) int { return int(of * float64(a.body.Len())) }

// flush sends what was written, where the writer can.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
