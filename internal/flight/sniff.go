// SPDX-License-Identifier: MIT

package flight

import "net/http"

// sniffLen is how many bytes http.DetectContentType looks at.
const sniffLen = 512

// sniffs reports whether the content type is taken from the body, by the rules of
// net/http: what it would send must be stored. The caller holds the lock.
func (w *writer) sniffs() bool {
	_, typed := w.final["Content-Type"]
	return !typed && w.final.Get("Content-Encoding") == "" &&
		w.final.Get("Transfer-Encoding") == "" && bodyAllowed(w.status)
}

// sniff sets the content type from what was written and comes next. The caller holds the lock.
func (w *writer) sniff(next []byte) {
	if len(w.pending)+len(next) == 0 || !w.sniffs() {
		return
	}
	sample := next
	if len(w.pending) > 0 {
		sample = append(w.pending, next[:min(len(next), sniffLen)]...)
	}
	w.final.Set("Content-Type", http.DetectContentType(sample))
	w.f.sniffed.Store(true)
}

// Sniffed reports whether the header's content type was taken from the body. It says
// so from Judge on.
func (f *Flight) Sniffed() bool { return f.sniffed.Load() }
