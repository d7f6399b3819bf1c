// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// freshenedHeader is the stored header with the fields of a 304, or of the answer to a
// HEAD, in it (RFC 9111 §3.2): all but Content-Length and those that describe the stored
// bytes, which haven't changed, so that a body never goes out under a coding that it
// doesn't have. A stored ETag stays too: an equal one needs no update, and one that is
// only weakly equal may be weak for a reason.
func freshenedHeader(e *store.Entry, update http.Header) http.Header {
	h := headerOf(e)
	update = update.Clone()
	httpfield.StripHopByHop(update)
	for name, values := range update {
		switch name {
		case "Content-Length", "Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest":
		case "Etag":
			if len(h[name]) == 0 {
				h[name] = values
			}
		default:
			h[name] = values
		}
	}
	return h
}

// headerOf is the stored header, which never holds Age, in a map of the caller's.
func headerOf(e *store.Entry) http.Header {
	h := http.Header{}
	for _, f := range e.Fields() {
		h[f.Name] = f.Values
	}
	return h
}

// sameBytes reports whether both have the same strong entity-tag.
func sameBytes(e *store.Entry, h http.Header) bool {
	etag, _ := e.Field("Etag")
	seen := h["Etag"]
	return len(seen) == 1 && seen[0] == etag && httpfield.ValidETag(etag) && !httpfield.IsWeak(etag)
}

// speaksOf reports whether a 304 to the validators of e is about e, so that it may
// update it (RFC 9111 §4.3.4): it must not name another validator. Entity-tags are
// compared weakly, as intermediaries weaken those of bodies that they compress, and a
// 304 without any validator is about the response whose validators were sent, as
// no others were.
func speaksOf(e *store.Entry, h http.Header) bool {
	etag, tagged := e.Field("Etag")
	modified, dated := e.Field("Last-Modified")
	named, date := h["Etag"], h["Last-Modified"]
	sameDate := dated && len(date) == 1 && date[0] == modified
	switch {
	case len(named) > 0 && tagged:
		return len(named) == 1 && httpfield.ETagMatch(named, etag, false)
	case len(named) > 0: // the stored response has none
		return sameDate
	case len(date) > 0 && dated:
		return sameDate
	}
	return true
}
