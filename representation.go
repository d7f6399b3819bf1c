// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// representation is the response to a POST or PATCH that is what a GET would get from now
// on: it says so by a Content-Location that is its own target, and has an explicit
// lifetime (RFC 9110 §9.3.3, RFC 5789 §2). It is stored as the response to that GET.
type representation struct {
	h       *handler
	get     *http.Request // the GET that it answers
	key     []byte
	urlHash uint64
	began   []store.Position // the purges that were known when the request came
	asOf    uint64           // the position of this process's, and its own marks
	purged  bool             // by another mark
	keeping *keeping

	f *fetch // once the header was judged
	j *judgement
}

// mayRepresent prepares for the response to r, nil if it can't be one.
func (h *handler) mayRepresent(w http.ResponseWriter, r *http.Request) *representation {
	if r.Method != http.MethodPost && r.Method != http.MethodPatch {
		return nil
	}
	if h.p.caches(r.Method) || !h.p.getHead || h.p.Outcome == None || h.p.Bypass != nil && h.p.Bypass(r) || !strings.HasPrefix(r.RequestURI, "/") {
		return nil
	}
	get := r.Clone(context.WithoutCancel(r.Context()))
	get.Method, get.Body, get.ContentLength = http.MethodGet, http.NoBody, 0
	rep := &representation{h: h, get: get, began: h.c.marks.AsOf()}
	rep.asOf = rep.began[0].Seq
	rep.urlHash = marks.URLHash(h.p.target(get))
	if rep.key = h.p.appendKey(nil, get, interestOf(get)); len(rep.key) > store.MaxKeyLen/2 {
		return nil
	}
	rep.keeping = h.c.keep(h.p, w, rep.urlHash, rep.judge)
	rep.keeping.ctx = r.Context()
	return rep
}

// judge decides about the final header.
func (rep *representation) judge(code int, header http.Header) bool {
	if code != http.StatusOK || !rep.isItself(header["Content-Location"]) {
		return false
	}
	h, get := rep.h, rep.get
	in := interestOf(get)
	f := &fetch{
		c: h.c, p: h.p, key: string(rep.key), hash: maphash.Bytes(h.c.seed, rep.key),
		class: classOfCredentials(in), path: pathOf(get),
	}
	f.scope = h.scopes.get(h.scopeName(get))
	f.asked = h.p.asked(get, f.key)
	f.asked.host, f.asked.target = h.p.target(get)
	f.asked.urlHash = rep.urlHash
	f.asked.noStore = h.p.wishesOf(get, in).cc.NoStore
	f.asked.started, f.asked.asOf = rep.keeping.started, rep.began
	rep.f, rep.j = f, h.c.judge(h.p, &f.asked, code, header, nil, h.c.clock())
	d := &rep.j.draft
	return rep.j.storing() && d.LifetimeFrom != store.SourceNone && d.LifetimeFrom <= store.SourceExpires && d.Lifetime > d.InitialAge
}

// isItself reports whether Content-Location is the target of the request (RFC 9110 §8.7).
func (rep *representation) isItself(lines []string) bool {
	if len(lines) != 1 || lines[0] == "" {
		return false
	}
	base, err := url.ParseRequestURI(rep.get.RequestURI)
	if err != nil {
		return false
	}
	ref, err := url.Parse(lines[0])
	absolute := err == nil && (ref.Scheme != "" || ref.Host != "" || ref.User != nil)
	if err != nil || absolute && (ref.User != nil || !sameHost(ref, rep.get)) || ref.Fragment != "" {
		return false
	}
	return base.ResolveReference(ref).RequestURI() == rep.get.RequestURI
}

// own is how many of the responses of a URL that are under way are this one.
func (rep *representation) own(urlHash uint64) int {
	if rep == nil || rep.urlHash != urlHash {
		return 0
	}
	return 1
}

// mark makes a mark for what the request has changed. The one of its own target doesn't
// purge the response itself, but any other that was made meanwhile may have been
// meant for it.
func (rep *representation) mark(hash uint64) {
	if hash != rep.urlHash {
		rep.h.c.markElsewhere(hash)
		return
	}
	asOf, first := rep.h.c.marks.MarkSince(hash, rep.asOf)
	rep.h.c.journals.nudge()
	rep.asOf, rep.purged = asOf, rep.purged || !first
}

// store stores the response after the handler has returned and what it changed was marked.
func (rep *representation) store() {
	c := rep.h.c
	result, whole := rep.keeping.result()
	if !whole || rep.purged || c.closed.Load() {
		return
	}
	f, d := rep.f, &rep.j.draft
	if rep.keeping.sniffed {
		d.Flags |= store.Sniffed
	}
	for _, tag := range d.Tags {
		if hard, soft := c.marks.Purged(tag.Hash, rep.began[0].Seq); hard || soft {
			return
		}
	}
	f.asOf = slices.Clone(rep.began)
	f.asOf[0].Seq = rep.asOf
	d.AsOf = f.asOf
	f.raced.Store(true) // a GET that was begun later may have landed
	f.commitWhole(rep.j, result)
}
