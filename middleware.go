// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// handler is one wrapped http.Handler: a mount.
type handler struct {
	c      *Cache
	p      *rules
	next   http.Handler
	memory *memory.Store // the store, if it is one
	scopes scopes
}

func newHandler(c *Cache, p *rules, next http.Handler) *handler {
	h := &handler{c: c, p: p, next: next, scopes: scopes{own: newScope()}}
	// By its own type, not by an interface: so the compiler sees that a lookup keeps
	// nothing, and a hit's keys stay on the stack.
	h.memory, _ = store.FastOf(c.store).(*memory.Store)
	return h
}

// ServeHTTP is the request path. A fresh hit in a memory store ends at the first
// return inside and allocates nothing. The steps and where they are:
//
//	classify   classify.go                     what can't come from a cache goes straight through: passthrough.go
//	key        key.go                          what names a response
//	lookup     lookup.go view.go memo.go       primary key, vary record, variant; what a hit needs of them
//	decide     decide.go                       serve, serve stale and revalidate, forward: pure functions
//	fetch      forward.go fetch.go follow.go   alone, begun or joined; waiting for it; share.go says who may have it,
//	                                           patience.go how long, turns.go what a budget puts off, scope.go the origin;
//	                                           learn.go what is remembered of it;
//	                                           lease.go which process fetches, early.go what is fetched before its end
//	store      judge.go commit.go              what may be stored (refuse.go), for how long (lifetime.go), which fields
//	                                           (fields.go, after a 304 freshen.go); writing it
//	serve      serve.go ranges.go stream.go    from the store, whole or parts of it, or while it arrives
//	degrade    degrade.go fallback.go          stale, the allow list, an honest error
//
// Beside it stand two kinds of responses that go straight through and are stored on the way
// (keep.go): parts (partial.go, partcommit.go, combine.go), and what a POST says of its own
// URL (representation.go).
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := h.c.now()
	in := interestOf(r)
	where, why := h.p.classify(r, in)
	if where != cached {
		h.passThrough(w, r, where, why)
		return
	}
	var buf [256]byte
	key := h.p.appendKey(buf[:0], r, in)
	if h.memory != nil && h.serveHit(w, r, in, key, now) {
		return
	}
	x, usable := h.newExchange(w, r, in, slices.Clone(key), now)
	if !usable || x.nested() {
		h.passThrough(w, r, direct, ReasonBypass)
		return
	}
	x.answer()
}

// serveHit answers from a fresh response in a memory store, if that needs nothing but
// the stored fields and body.
func (h *handler) serveHit(w http.ResponseWriter, r *http.Request, in interest, key []byte, now int64) bool {
	if len(h.p.otherMethods) > 0 && hasBody(r) {
		return false // the body belongs to the key
	}
	e := h.lookupMemory(key, r, now)
	if e == nil {
		return false
	}
	v := viewOf(e)
	st := v.stamp.Load()
	if !st.holds(now, h.p, h.c.marks.Position()) {
		if st = h.c.restamp(e, v, h.p, now); st == nil {
			return false
		}
	}
	if !h.p.plain(in, st.forAll) {
		return false
	}
	sendHit(w, r, e, v, st)
	h.c.counters[e.URLHash()%stripes].n[cHits].Add(1)
	if h.c.cfg.OnEvent != nil {
		h.c.callHook(Event{Kind: EventAnswer, Reason: ReasonHit, Method: r.Method, Host: r.Host, Path: pathOf(r), Status: e.Status()})
	}
	return true
}

// plain reports whether a request wants the stored response just as it is.
func (p *rules) plain(in interest, forAll bool) bool {
	if !forAll && p.credentials(in) {
		return false
	}
	if in&hasDirectives != 0 && p.Safety.RequestDirectives != IgnoreDirectives {
		return false
	}
	return in&(hasRange|hasCondition|hasPrecondition) == 0
}

// credentials reports whether a request carries some that the key doesn't hold.
func (p *rules) credentials(in interest) bool {
	return in&hasAuthorization != 0 && !p.keysAuthority ||
		in&hasCookie != 0 && !p.keysCookie && !p.Safety.IrrelevantCookies ||
		in&hasCertificate != 0 && !p.Safety.IrrelevantCertificates
}

func pathOf(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	return r.URL.Path
}
