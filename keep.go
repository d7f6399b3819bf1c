// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"

	"github.com/holdover-go/holdover/internal/flight"
)

// keeping copies a response that goes straight through to its client, if its header says
// that it may be of use later. The handler writes to the request's own writer, so that
// what outer middleware had set there must be told apart.
type keeping struct {
	// wants judges the final header, which it may change. It is called once.
	wants func(code int, h http.Header) bool
	copy  *flight.Copy

	started int64
	outer   http.Header
	header  http.Header // as judged, nil if it isn't wanted
	written int64
}

// keep prepares to copy a response. It must be called before the handler.
func (c *Cache) keep(p *rules, w http.ResponseWriter, wants func(int, http.Header) bool) *keeping {
	return &keeping{wants: wants, copy: flight.NewCopy(c.copies, p.maxBody), started: c.clock(), outer: w.Header().Clone()}
}

// begin is called with the final header.
func (k *keeping) begin(code int, h http.Header) {
	if k == nil {
		return
	}
	h = addedTo(k.outer, h)
	canonicalize(h)
	if k.wants(code, h) {
		k.header = h
	}
}

// add is called with what was written of the body.
func (k *keeping) add(p []byte, err error) {
	if k == nil || k.header == nil {
		return
	}
	if err != nil {
		k.copy.Lose() // the handler may stop without saying so
		return
	}
	k.copy.Add(p)
	k.written += int64(len(p))
}

// active reports whether the bytes of the body are needed.
func (k *keeping) active() bool { return k != nil && k.header != nil }

// result returns the response after the handler has returned, and false if it isn't
// whole.
func (k *keeping) result() (r flight.Result, ok bool) {
	if !k.active() {
		return r, false
	}
	body, ok := k.copy.Whole()
	declared := contentLength(k.header)
	return flight.Result{Header: k.header, Body: body, Keep: true}, ok && (declared < 0 || declared == k.written)
}

// end gives memory back.
func (k *keeping) end() {
	if k != nil {
		k.copy.Release()
	}
}

// addedTo returns what a handler has added to the header that outer middleware left it.
func addedTo(outer, h http.Header) http.Header {
	added := make(http.Header, len(h))
	for name, values := range h {
		before := outer[name]
		if len(before) <= len(values) && slices.Equal(before, values[:len(before)]) {
			values = values[len(before):]
		}
		if len(values) > 0 {
			added[name] = slices.Clone(values)
		}
	}
	return added
}
