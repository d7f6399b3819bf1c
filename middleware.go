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
	h.local, _ = c.store.(store.BytesGetter)
	return h
}

// ServeHTTP is the request path: classify, make the key, look up, decide, fetch,
// store, serve, degrade. A fresh hit in a store of this process ends at the first return
// and allocates nothing.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := h.c.now()
	where, why := h.p.classify(r)
	if where != cached {
		h.passThrough(w, r, where, why, now)
		return
	}
	s := h.c.scratch.Get().(*scratch)
	s.key = h.p.appendKey(s.key[:0], r)
	if h.local != nil && h.serveHit(w, r, s, now) {
		h.c.scratch.Put(s)
		return
	}
	x, usable := h.newExchange(w, r, s, now)
	if !usable {
		h.c.scratch.Put(s)
		h.passThrough(w, r, direct, ReasonBypass, now)
		return
	}
	x.answer()
}

// serveHit answers from a fresh response in a store of this process, if that needs
// nothing but the stored fields and body.
func (h *handler) serveHit(w http.ResponseWriter, r *http.Request, s *scratch, now int64) bool {
	if len(h.p.otherMethods) > 0 && hasBody(r) {
		return false // the body belongs to the key
	}
	e, record := h.c.lookupLocal(s, h.local, r)
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
	if !h.p.plain(r.Header, st.originsOwn) {
		return false
	}
	sendHit(w, r, e, v, st)
	h.c.counters.add(cRequests, cHits)
	if h.c.cfg.OnEvent != nil {
		h.c.callHook(Event{Kind: EventAnswer, Reason: ReasonHit, Method: r.Method, Host: r.Host, Path: pathOf(r), Status: e.Status()})
	}
	return true
}

// plain reports whether a request wants the stored response just as it is.
func (p *rules) plain(h http.Header, originsOwn bool) bool {
	if !originsOwn && p.credentials(h) {
		return false
	}
	for name := range h {
		switch name {
		case "Cache-Control", "Pragma":
			if p.Safety.RequestDirectives != IgnoreDirectives {
				return false
			}
		case "Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since":
			return false
		}
	}
	return true
}

// credentials reports whether a request carries some that the key doesn't hold.
func (p *rules) credentials(h http.Header) bool {
	return p.carries(h, "Authorization", p.keysAuthority) || p.carries(h, "Cookie", p.keysCookie || p.Safety.IrrelevantCookies)
}

func (p *rules) carries(h http.Header, name string, covered bool) bool {
	_, there := h[name]
	return there && !covered
}

func pathOf(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	return r.URL.Path
}
