// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/holdover-go/holdover/internal/flight"
)

// keeping copies a response that goes straight through to its client, if its header says
// that it may be of use later. The handler writes to the request's own writer, so that
// what outer middleware had set there must be told apart.
type keeping struct {
	c       *Cache
	p       *rules
	urlHash uint64
	started int64
	ctx     context.Context // the handler's
	// wants judges the final header, which it may change. It is called once.
	wants func(code int, h http.Header) bool

	outer   http.Header
	header  http.Header // as judged, nil if it isn't wanted
	copy    *flight.Copy
	written int64
	cut     bool // the client didn't take it all
	sniffed bool // the content type is what net/http makes of the bytes
}

// keep prepares to copy a response. It must be called before the handler, and end
// afterwards.
func (c *Cache) keep(p *rules, w http.ResponseWriter, urlHash uint64, wants func(int, http.Header) bool) *keeping {
	c.kept.add(urlHash, 1)
	return &keeping{
		c: c, p: p, urlHash: urlHash, started: c.clock(), wants: wants,
		outer: w.Header().Clone(), copy: flight.NewCopy(c.copies, p.maxBody),
	}
}

// begin is called with the final header.
func (k *keeping) begin(code int, h http.Header) {
	if k == nil {
		return
	}
	if added, clear := k.p.added(k.outer, h); clear && k.wants(code, added) {
		k.header = added
	}
}

// add is called with what was written of the body.
func (k *keeping) add(p []byte, err error) {
	if !k.active() {
		return
	}
	if err != nil {
		k.lose() // the handler may stop without saying so
		return
	}
	k.copy.Add(p)
	k.written += int64(len(p))
}

// active reports whether the bytes of the body are needed.
func (k *keeping) active() bool { return k != nil && k.header != nil }

// result returns the response after the handler has returned normally, and false if it
// isn't whole. A handler whose client has left may return in the middle without a word.
func (k *keeping) result() (r flight.Result, ok bool) {
	if !k.active() {
		return r, false
	}
	body, ok := k.copy.Whole()
	declared := contentLength(k.header)
	if declared < 0 && k.ctx.Err() != nil || declared >= 0 && declared != k.written {
		k.cut = true
		return r, false
	}
	k.sniff(body)
	return flight.Result{Header: k.header, Body: body, Keep: true}, ok
}

// sniff adds the content type that net/http sends where the handler gives none.
func (k *keeping) sniff(body []byte) {
	_, typed := k.header["Content-Type"]
	_, coded := k.header["Content-Encoding"]
	if !typed && !coded && len(body) > 0 {
		k.header["Content-Type"] = []string{http.DetectContentType(body)}
		k.sniffed = true
	}
}

// lose gives the response up.
func (k *keeping) lose() {
	if k != nil {
		k.cut = true
		k.copy.Lose()
	}
}

// missing says why a response that isn't whole can't be stored.
func (k *keeping) missing() Reason {
	if k.cut {
		return ReasonTruncated
	}
	return ReasonNoRoom
}

// end gives back what the keeping held.
func (k *keeping) end() {
	if k != nil {
		k.copy.Release()
		k.c.kept.add(k.urlHash, -1)
	}
}

// added returns what a handler has added to the header that outer middleware left it. A value
// that both may have set is nobody's: the field is left out, unless it selects or groups
// responses, where too much is safe. Where a field could be hidden so that decides about
// storing or about the bytes, it reports false.
func (p *rules) added(outer, h http.Header) (added http.Header, clear bool) {
	added = make(http.Header, len(h))
	for name, values := range h {
		before, canonical := outer[name], http.CanonicalHeaderKey(name)
		if len(before) > 0 && !p.gathers(canonical) {
			if p.decides(canonical) || p.Tags != nil { // which may look at any field
				return nil, false
			}
			if len(before) <= len(values) && slices.Equal(before, values[:len(before)]) {
				values = values[len(before):]
			}
		}
		if len(values) > 0 {
			added[name] = slices.Clone(values)
		}
	}
	canonicalize(added)
	return added, true
}

// gathers reports whether a field selects among responses, or groups them for purges.
func (p *rules) gathers(name string) bool {
	return name == "Vary" || name == "Cache-Groups" || slices.Contains(p.tagFields, name)
}

// decides reports whether a field says if, or for how long, or for whom a response may be
// stored, or how to read its bytes.
func (p *rules) decides(name string) bool {
	switch name {
	case "Age", "Cache-Control", "Date", "Etag", "Expires", "Last-Modified", "Pragma", "Set-Cookie", "Set-Cookie2",
		"Content-Encoding", "Content-Length", "Content-Range", "Surrogate-Control":
		return true
	}
	return slices.Contains(p.targeted, name)
}

// kept counts the responses on their way that may be stored without being a flight, by
// their URL: what changes the URL meanwhile must reach them too.
type kept struct {
	mu    sync.Mutex
	count map[uint64]int
}

func (k *kept) add(urlHash uint64, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count == nil {
		k.count = map[uint64]int{}
	}
	if k.count[urlHash] += n; k.count[urlHash] == 0 {
		delete(k.count, urlHash)
	}
}

// of returns how many there are.
func (k *kept) of(urlHash uint64) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count[urlHash]
}
