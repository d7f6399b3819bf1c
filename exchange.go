// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// exchange is one request that is not a plain hit, on its way to an answer. It
// lives on the request's goroutine; fetches keep nothing of it.
type exchange struct {
	c     *Cache
	p     *rules
	h     *handler
	w     http.ResponseWriter
	r     *http.Request
	in    interest
	scope *scope

	now     int64
	began   time.Time
	host    string // as keys and purges know the URL
	target  string
	urlHash uint64
	body    []byte // of a request whose method has one
	key     string
	hash    uint64
	landed  uint64
	wishes  wishes
	class   keystate.Class
	who     uint64 // hash of the request's credentials, 0 for none
	learned keystate.State

	found found
	facts facts // of found.entry
	fwd   Reason
	// partRefused is why a stored part wasn't given, "" where there is none.
	partRefused Reason
	// base is what a fetch's context is made of.
	base context.Context
	// detachable says that a fetch may outlive this request.
	detachable bool

	apart int      // how often a fetch was for somebody alone, so that others gathered anew
	names []string // learned from a fetch that was not for us: what selects among the variants

	disowned  bool   // it has waited for a 304 that named another response
	elsewhere int    // how often another process was waited for
	handed    *lease // what it brought

	racing bool               // the fetch that this request begins runs beside one that hangs
	denied backoff.Permission // what the origin's scope said last
	// entitled: the stale response could have been given at once, if a fetch could run behind.
	entitled bool
	inLine   bool // it waits for its turn behind its client
	insists  bool // there is nothing to serve instead: the origin must be asked

	byItself bool // the origin has failed for others: it shares with its own credentials alone
	hurries  bool // it has waited for a failure: what it does now is bounded by the same hard timeout
	heldLong bool // its response was held back for as long as a fetch may take to its header

	// What became of it.
	tries      int // lookups
	interims   int
	sent       bool // the answer's header went out
	telling    bool // the handler's own answer says something about what others get
	closeAfter bool // the connection can't be used again: ServeHTTP is held
	status     int
	collapsed  bool
	fault      Reason // what went wrong at the origin
	// originStatus is the error status that the handler answered, 0 for none.
	originStatus int
	held         *flight.Flight
}

// newExchange reads a request body that belongs to the key. False means that the
// body is too large for that.
func (h *handler) newExchange(w http.ResponseWriter, r *http.Request, in interest, key []byte, now int64) (*exchange, bool) {
	x := &exchange{c: h.c, p: h.p, h: h, w: w, r: r, in: in, now: now, began: time.Now()}
	if hasBody(r) && r.Method != http.MethodGet && r.Method != http.MethodHead {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxKeyBody+1))
		if err != nil || len(body) > maxKeyBody {
			r.Body = &rejoined{Reader: io.MultiReader(bytes.NewReader(body), r.Body), Closer: r.Body}
			return nil, false
		}
		x.body = body
		key = appendBody(key, body, r.Header)
	}
	if len(key) > store.MaxKeyLen/2 {
		return nil, false
	}
	x.key = string(key)
	x.hash = maphash.Bytes(h.c.seed, key)
	x.scope = h.scopes.get(h.scopeName(r))
	x.wishes = h.p.wishesOf(r, in)
	x.class = classOfCredentials(in)
	x.who = h.c.hashCredentials(r, in)
	return x, true
}

// hashOf tells the values of a field apart, as far as this process can.
func (c *Cache) hashOf(values []string) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	for _, value := range values {
		_, _ = h.WriteString(value)
		_ = h.WriteByte(0)
	}
	return max(h.Sum64(), 1)
}

// hashCredentials tells askers apart, as far as this process can.
func (c *Cache) hashCredentials(r *http.Request, in interest) uint64 {
	if classOfCredentials(in) == keystate.ClassNone {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	for _, name := range [...]string{"Authorization", "Cookie"} {
		for _, value := range r.Header[name] {
			_, _ = h.WriteString(value)
			_ = h.WriteByte(0)
		}
		_ = h.WriteByte(1)
	}
	if in&hasCertificate != 0 {
		_, _ = h.Write(r.TLS.PeerCertificates[0].Raw)
	}
	return max(h.Sum64(), 1)
}

// nested reports whether the request comes from a fetch of the same key: this cache
// stands inside itself, and must not wait for itself.
func (x *exchange) nested() bool {
	f, _ := x.r.Context().Value(fetchKey{}).(*fetch)
	for ; f != nil; f = f.outer {
		if f.c == x.c && f.key == x.key {
			return true
		}
	}
	return false
}

// rejoined is a request body whose beginning was read.
type rejoined struct {
	io.Reader
	io.Closer
}

func (h *handler) scopeName(r *http.Request) string {
	if h.p.Origin.Scope == nil {
		return ""
	}
	return h.p.Origin.Scope(r)
}

func (p *rules) wishesOf(r *http.Request, in interest) wishes {
	w := wishes{credentials: p.credentials(in)}
	s := p.Safety
	if s.RequestDirectives == HonourDirectives || s.RequestDirectives == HonourTrusted && s.Trusted(r) {
		w.cc = cachecontrol.ParseRequest(r.Header["Cache-Control"], r.Header["Pragma"])
	} else {
		w.cc = cachecontrol.ParseRequest(nil, nil)
	}
	return w
}

func classOfCredentials(in interest) keystate.Class {
	switch {
	case in&hasAuthorization != 0:
		return keystate.ClassAuthorization
	case in&(hasCookie|hasCertificate) != 0:
		return keystate.ClassCookie
	}
	return keystate.ClassNone
}

// answer looks up, decides and acts.
func (x *exchange) answer() {
	defer x.end()
	x.detachable = x.c.cfg.Detach != nil || flight.OnlyServerValues(x.r.Context())
	// What is the user's to compute, before any lock is taken.
	x.base = x.fetchContext()
	x.host, x.target = x.p.target(x.r)
	x.urlHash = marks.URLHash(x.host, x.target)
	for x.tries = 1; ; x.tries++ { // again only if another fetch has ended meanwhile
		if x.tries > 1 { // what came meanwhile would lie in the future
			x.now = x.c.now()
		}
		x.lookup()
		if x.servePart() {
			return
		}
		d := decide(x.found.entry != nil, x.facts, x.wishes, x.p, x.found.miss)
		if x.onlyForTheOrigin() {
			if x.wishes.cc.OnlyIfCached {
				x.synthetic(plainError(http.StatusGatewayTimeout), ReasonOnlyIfCached)
				return
			}
			x.inline(ReasonBypass, false)
			return
		}
		switch d.action {
		case serve:
			if !x.outranked() {
				x.revalidateEarly()
				x.serveFresh(d.reason)
			}
			return
		case serveStale:
			// Where somebody was told that the page is gone, who comes next asks himself.
			if !x.learned.Doubted && x.revalidateBehind(d.reason) {
				return
			}
			x.entitled, d.reason = true, ReasonStale
		case refuse:
			x.synthetic(plainError(http.StatusGatewayTimeout), ReasonOnlyIfCached)
			return
		}
		x.fwd = d.reason
		if x.partRefused != "" { // RFC 9211 §2.2
			x.fwd = x.partRefused
		}
		if x.forward() {
			return
		}
	}
}

// onlyForTheOrigin reports whether a request has a condition that a cache can't evaluate
// (RFC 9111 §4.3.2).
func (x *exchange) onlyForTheOrigin() bool {
	safe := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	return x.in&hasPrecondition != 0 || x.in&hasCondition != 0 && !safe
}

func (x *exchange) lookup() {
	key := []byte(x.key)
	x.landed = x.c.flights.Landed(key)
	handed, fits := found{}, false
	if x.handed != nil {
		handed, fits = x.handed.handOver(x.r)
		x.handed = nil
	}
	if x.found = handed; !fits {
		x.found = x.c.lookup(x.p, key, x.r, x.in)
	}
	if x.found.entry != nil {
		x.facts = factsOf(x.found.entry, x.found.verdict, x.now)
	}
	x.learned, _ = x.c.keys.Get(x.hash)
}

// usable reports whether the stored response may stand in for a failure.
func (x *exchange) usable(fault Reason) (Reason, bool) {
	if x.dropPurged(); x.found.entry == nil {
		return "", false
	}
	if reason, usable := onFault(x.facts, x.wishes, x.p, fault); usable || !x.entitled {
		return reason, usable
	}
	d := decide(true, x.facts, x.wishes, x.p, x.found.miss)
	return d.reason, d.action == serveStale
}

// dropPurged forgets a stored response that was purged while the request waited, and sees how
// old it has become.
func (x *exchange) dropPurged() {
	if x.found.entry == nil {
		return
	}
	now := x.c.clock()
	v := x.c.marks.Entry(x.found.entry, now)
	if v == marks.Hard {
		x.found.entry, x.found.miss = nil, ReasonURIMiss
		return
	}
	x.found.verdict = max(x.found.verdict, v)
	x.facts = factsOf(x.found.entry, x.found.verdict, max(now, x.now))
}

// hasCopy reports whether there is a stored response for at least the worst of failures.
func (x *exchange) hasCopy() bool {
	_, usable := x.usable(ReasonTransport)
	return usable
}

// copyStands reports whether there is a good copy that a failure must not
// displace, whatever this one request thinks of it.
func (x *exchange) copyStands() bool {
	if x.found.entry == nil || x.facts.has(store.Failed) {
		return false
	}
	neutral := wishes{cc: cachecontrol.ParseRequest(nil, nil)}
	_, usable := onFault(x.facts, neutral, x.p, ReasonTransport)
	return usable || x.facts.fresh()
}

// end holds ServeHTTP open where the router would recycle what the handler still
// uses, and tells the hook.
func (x *exchange) end() {
	if x.held == nil {
		return
	}
	select {
	case <-x.held.Returned():
	default:
		if x.sent {
			_ = http.NewResponseController(x.w).Flush()
		}
		<-x.held.Returned()
	}
}

// report tells the hook how the request was answered.
func (x *exchange) report(reason Reason, stale bool) {
	x.c.emit(Event{
		Kind: EventAnswer, Reason: reason, Method: x.r.Method, Host: x.r.Host, Path: pathOf(x.r),
		Status: x.status, Stale: stale, Collapsed: x.collapsed, Fault: x.fault, Duration: time.Since(x.began),
	})
}

// serveFresh answers from the store without asking anybody.
func (x *exchange) serveFresh(reason Reason) {
	st := status{hit: true}
	if reason != ReasonHit {
		st.detail = reason
	}
	x.serveStored(x.found.entry, st, x.facts.lifetime-x.facts.age, x.facts.age)
	x.report(reason, !x.facts.fresh())
}

// serveStaleNow answers stale: after a fault with the forward reason, else as a hit.
func (x *exchange) serveStaleNow(reason Reason, fwdStatus int) {
	st := status{detail: reason}
	if x.fault == "" || reason == ReasonBackOff || reason == ReasonBudget {
		st.hit = true
	} else {
		st.fwd, st.fwdStatus, st.collapsed = x.fwd, fwdStatus, x.collapsed
	}
	ttl := x.facts.lifetime - x.facts.age
	if x.facts.soft {
		ttl = min(ttl, -1) // stale, whatever its lifetime says
	}
	x.serveStored(x.found.entry, st, ttl, x.facts.age)
	x.report(reason, true)
}

// synthetic gives an answer of Holdover's own.
func (x *exchange) synthetic(a Answer, reason Reason) {
	x.status, x.sent = a.Status, true
	if x.closeAfter {
		x.w.Header()["Connection"] = []string{"close"}
	}
	st := status{fwd: x.fwd, collapsed: x.collapsed, detail: reason}
	if x.originStatus != a.Status {
		st.fwdStatus = x.originStatus
	}
	a.send(x.w, x.r.Method == http.MethodHead, st)
	x.report(reason, false)
}

// flightKey names the fetch: its second half is what is known to tell the
// variants apart, and who gathered anew.
func (x *exchange) flightKey() flight.Key {
	k := flight.Key{Primary: x.key}
	names := x.learned.VaryHint
	switch {
	case x.found.record != nil:
		names = varyNames(x.found.record)
	case x.names != nil:
		names = x.names
	}
	if len(names) > 0 {
		k.Variant = string(x.p.appendSelected(nil, names, x.r.Header, x.r.Host))
	}
	if x.byItself {
		k.Variant += fmt.Sprintf("\x00%d", x.who)
	} else if x.apart > 0 {
		k.Variant += fmt.Sprintf("\x00%d %d", x.class, x.apart)
	}
	return k
}
