// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"

	"github.com/holdover-go/holdover/store"
)

// handler is one wrapped http.Handler: a mount.
type handler struct {
	c      *Cache
	p      *rules
	next   http.Handler
	local  store.BytesGetter // the store, if it is in this process
	scopes scopes
}

func newHandler(c *Cache, p *rules, next http.Handler) *handler {
	h := &handler{c: c, p: p, next: next}
	if store.IsLocal(c.store) {
		h.local, _ = c.store.(store.BytesGetter)
	}
	return h
}

// ServeHTTP is the request path: classify, make the key, look up, decide, fetch,
// store, serve, degrade. A fresh hit in a store of this process ends at the first return
// and allocates nothing.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := h.c.now()
	in := interestOf(r)
	where, why := h.p.classify(r, in)
	if where != cached {
		h.passThrough(w, r, where, why, now)
		return
	}
	s := h.c.scratch.Get().(*scratch)
	s.key = h.p.appendKey(s.key[:0], r, in)
	if h.local != nil && h.serveHit(w, r, in, s, now) {
		h.c.scratch.Put(s)
		return
	}
	x, usable := h.newExchange(w, r, in, s, now)
	if !usable || x.nested() {
		h.c.scratch.Put(s)
		h.passThrough(w, r, direct, ReasonBypass, now)
		return
	}
	x.answer()
}

// serveHit answers from a fresh response in a store of this process, if that needs
// nothing but the stored fields and body.
func (h *handler) serveHit(w http.ResponseWriter, r *http.Request, in interest, s *scratch, now int64) bool {
	if len(h.p.otherMethods) > 0 && hasBody(r) {
		return false // the body belongs to the key
	}
	e, record := h.c.lookupLocal(s, h.local, r, now)
	if e == nil {
		return false
	}
	if record != nil {
		if hard, _ := h.c.marks.Entry(record); hard {
			return false
		}
	}
	v := viewOf(e)
	st := v.stamp.Load()
	if !st.holds(now, h.p, h.c.marks.Position()) {
		if st = h.c.restamp(e, v, h.p, now); st == nil {
			return false
		}
	}
	if !h.p.plain(in, st.originsOwn) {
		return false
	}
	sendHit(w, r, e, v, st)
	h.c.counters[s.stripe%stripes].n[cHits].Add(1)
	if h.c.cfg.OnEvent != nil {
		h.c.callHook(Event{Kind: EventAnswer, Reason: ReasonHit, Method: r.Method, Host: r.Host, Path: pathOf(r), Status: e.Status()})
	}
	return true
}

// plain reports whether a request wants the stored response just as it is.
func (p *rules) plain(in interest, originsOwn bool) bool {
	if !originsOwn && p.credentials(in) {
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
		in&hasCertificate != 0
}

func pathOf(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	return r.URL.Path
}
