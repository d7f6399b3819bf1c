// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"maps"
	"net/http"
	"slices"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// piece is a part of a response with its header.
type piece struct {
	part   httpfield.ContentRange
	body   []byte
	header http.Header
}

// combine joins a new part with the one that is stored (RFC 9111 §3.4, RFC 9110 §15.3.7.3):
// both must have the same strong entity-tag, nothing may be missing between them, and
// where they overlap they must agree. The new header counts. It reports false where they
// don't fit, or would be longer than limit.
func combine(old *store.Entry, p piece, limit int64) (piece, bool) {
	was, valid := contentRangeOf(old)
	if !valid || was.Size != p.part.Size || !sameBytes(old, p.header) {
		return p, false
	}
	first, second := piece{part: was, body: old.Body()}, p
	if second.part.Start < first.part.Start {
		first, second = second, first
	}
	overlap := first.part.End + 1 - second.part.Start
	end := max(first.part.End, second.part.End)
	if overlap < 0 || end-first.part.Start >= limit {
		return p, false
	}
	overlap = min(overlap, int64(len(second.body)))
	at := second.part.Start - first.part.Start
	if !bytes.Equal(first.body[at:at+overlap], second.body[:overlap]) {
		return p, false
	}
	both := piece{part: first.part, header: combinedHeader(old, p.header)}
	both.part.End = end
	both.body = make([]byte, 0, end-first.part.Start+1)
	both.body = append(append(both.body, first.body...), second.body[overlap:]...)
	return both, true
}

// combinedHeader is the stored header with the fields of the new one in it, without the
// digests that are of one message's bytes (RFC 9530 §2).
func combinedHeader(old *store.Entry, h http.Header) http.Header {
	all := headerOf(old)
	maps.Copy(all, h)
	withoutDigests(all)
	return all
}

// sameFields reports whether a header says the same as a stored one, but for what tells of
// the time and of the part.
func sameFields(e *store.Entry, h http.Header) bool {
	n := 0
	for _, f := range e.Fields() {
		switch f.Name {
		case "Date", "Expires", "Content-Length", "Content-Range":
			continue
		}
		if n++; !slices.Equal(f.Values, h[f.Name]) {
			return false
		}
	}
	for name := range h {
		switch name {
		case "Age", "Date", "Expires", "Content-Length", "Content-Range":
		default:
			n--
		}
	}
	return n >= 0
}

// olderOf returns the purges that both a stored part and a new one know.
func olderOf(e *store.Entry, asOf []store.Position) []store.Position {
	list := make([]store.Position, e.NumAsOf())
	for i := range list {
		list[i] = e.AsOf(i)
		for _, p := range asOf {
			if p.Epoch == list[i].Epoch {
				list[i].Seq = min(list[i].Seq, p.Seq)
			}
		}
	}
	return list
}
