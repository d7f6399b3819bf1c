// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// asked is what judging a response needs to know of its request.
type asked struct {
	method        string
	key           string
	host, target  string
	urlHash       uint64
	header        http.Header // as the handler got it
	noStore       bool        // RFC 9111 §5.2.1.5
	authorization bool        // carried, and not part of the key
	cookie        bool        // carried, relevant, and not part of the key
	anonymous     bool        // carried neither
	started       int64
	asOf          uint64
	validated     *store.Entry // the stored response whose validators were sent, or nil
	request       *http.Request
}

// judgement is what became of a final header. Readers of the flight find it in its
// state; it doesn't change once it is there, except for entry.
type judgement struct {
	outcome   outcome
	fault     Reason // for failed and throttled
	refused   Reason // why the response isn't stored, "" if it is
	freshened bool   // a 304 to our own validators
	shareable bool   // waiters may have it, if their own requests allow it

	cc         cachecontrol.Response
	draft      store.Response // without the body
	varyNames  []string
	selected   string // by the fetch's request
	retryAfter time.Duration

	// entry is the stored response, set before the flight is complete.
	entry *store.Entry
}

// storing reports whether the response is being stored.
func (j *judgement) storing() bool { return j.refused == "" }

// judge decides about a final header: what kind of outcome it is, whether it is
// stored, for how long it is fresh. transport is the error that kept the origin
// from being reached, if the header isn't the origin's at all.
func (c *Cache) judge(p *rules, a *asked, status int, h http.Header, transport error, now int64) *judgement {
	j := &judgement{outcome: p.classOf(status), cc: cachecontrol.ParseResponse(h["Cache-Control"])}
	switch {
	case transport != nil:
		j.outcome, j.fault = failed, ReasonTransport
	case j.outcome == failed:
		j.fault = ReasonErrorStatus
	case j.outcome == throttled:
		j.fault = ReasonThrottled
	}
	if d, given := httpfield.RetryAfter(h["Retry-After"], time.Unix(0, now)); given && j.outcome >= failed {
		j.retryAfter = d
	}
	if _, dated := h["Date"]; !dated {
		h["Date"] = []string{time.Unix(0, now).UTC().Format(http.TimeFormat)}
	}
	if status == http.StatusNotModified && a.validated != nil {
		j.freshened = true
		h = freshenedHeader(a.validated, h)
		status = a.validated.Status()
		j.cc = cachecontrol.ParseResponse(h["Cache-Control"])
	}
	c.draft(p, a, j, status, h, now)
	if j.freshened {
		// These tell of the request that the body was made for.
		const made = store.Sniffed | store.Anonymous
		j.draft.Flags = j.draft.Flags&^made | a.validated.Flags()&made
	}
	j.refused = p.refuses(a, j, status, h)
	if over := false; j.storing() {
		if j.draft.Tags, over = p.tagsOf(a.request, status, h); over {
			j.refused = ReasonUnstorable // a purge could miss it
		}
	}
	j.shareable = j.mayBeShared(a, h)
	return j
}

// draft computes all that is stored but the body.
func (c *Cache) draft(p *rules, a *asked, j *judgement, status int, h http.Header, now int64) {
	d := &j.draft
	d.Key, d.Status = a.key, status
	d.URLHash = a.urlHash
	d.RequestTime, d.ResponseTime = a.started, now
	d.InitialAge = freshness.InitialAge(h, a.started, now)
	d.AsOf = []store.Position{{Epoch: c.marks.Epoch(), Seq: a.asOf}}
	d.StaleWhileRevalidate, d.StaleIfError = j.cc.StaleWhileRevalidate, j.cc.StaleIfError
	d.Flags = flagsOf(j.cc)
	if a.anonymous {
		d.Flags |= store.Anonymous
	}
	if a.authorization {
		d.Flags |= store.Authorized
	}
	if j.outcome >= failed {
		d.Flags |= store.Failed
	}
	d.Lifetime, d.LifetimeFrom = p.lifetime(a, j, status, h, now)
	if d.LifetimeFrom == store.SourceSMaxAge {
		d.Flags |= store.SMaxAge
	}
	if (a.authorization || a.cookie) && (d.Lifetime <= d.InitialAge || j.cc.NoCache) && !j.cc.Public {
		d.Flags |= store.Personal
	}
	names, _ := httpfield.VaryNames(h["Vary"])
	j.varyNames = names
	j.selected = string(httpfield.AppendSelected(nil, names, a.header, a.host))
	d.StoreUntil = now + int64(p.storageLife(d, c.cfg.MaxLife))
}

func flagsOf(cc cachecontrol.Response) (f store.Flags) {
	for _, d := range [...]struct {
		given bool
		flag  store.Flags
	}{
		{cc.NoCache, store.NoCache}, {cc.MustRevalidate, store.MustRevalidate},
		{cc.ProxyRevalidate, store.ProxyRevalidate}, {cc.Public, store.Public}, {cc.Immutable, store.Immutable},
	} {
		if d.given {
			f |= d.flag
		}
	}
	return f
}

// lifetime: the origin's explicit word, then Retry-After in place of a rule's TTL,
// then the rule for the status, then a heuristic, then the default TTL. What isn't
// the origin's word never applies to a request with credentials.
func (p *rules) lifetime(a *asked, j *judgement, status int, h http.Header, now int64) (time.Duration, store.Source) {
	rule, ruled := p.Freshness.StatusTTL[status]
	explicit, source := freshness.Explicit(h, j.cc, now)
	ours := !a.authorization && !a.cookie
	if source != store.SourceNone && !(ruled && rule.Override && ours) {
		return explicit, source
	}
	switch {
	case !ours:
	case ruled && rule.TTL > 0 && j.retryAfter > 0:
		return min(j.retryAfter, backoff.MaxRetryAfter), store.SourceRetryAfter
	case ruled:
		return rule.TTL, store.SourceStatusRule
	case p.heuristic > 0 && j.outcome < failed:
		if d, given := freshness.Heuristic(h, j.cc, status, now, p.heuristic, p.heuristicMax); given {
			return d, store.SourceHeuristic
		}
		fallthrough
	default:
		if p.Freshness.DefaultTTL > 0 && j.outcome < failed && freshness.HeuristicallyCacheable(status) {
			return p.Freshness.DefaultTTL, store.SourceDefault
		}
	}
	return 0, store.SourceNone
}

// storageLife is the freshness lifetime and the longest window after it.
func (p *rules) storageLife(d *store.Response, maxLife time.Duration) time.Duration {
	left := max(d.Lifetime-d.InitialAge, 0)
	if d.Flags&store.Failed != 0 {
		return min(left, maxLife)
	}
	window := max(p.keep, p.swr, p.sie, d.StaleWhileRevalidate, d.StaleIfError)
	if left > maxLife-min(window, maxLife) {
		return maxLife
	}
	return left + window
}

// refuses says why a response must not be stored, "" if it may: RFC 9111 §3, the
// policy's safety, and whether it would ever be of use.
func (p *rules) refuses(a *asked, j *judgement, status int, h http.Header) Reason {
	cc, d := j.cc, &j.draft
	_, any := httpfield.VaryNames(h["Vary"])
	overridden := cc.MustUnderstand && freshness.Understood(status) // RFC 9111 §5.2.2.3
	switch {
	case a.noStore || cc.NoStore && !overridden:
		return ReasonNoStore
	case cc.MustUnderstand && !overridden:
		return ReasonUnstorable
	case cc.Private:
		return ReasonPrivate
	case a.method == http.MethodHead || status < 200 || status == http.StatusPartialContent ||
		status == http.StatusNotModified || status == http.StatusRequestedRangeNotSatisfiable:
		return ReasonUnstorable
	case j.fault == ReasonTransport:
		return ReasonTransport
	case any:
		return ReasonVaryStar
	case a.authorization && d.Flags&(store.Public|store.MustRevalidate|store.SMaxAge) == 0: // RFC 9111 §3.5
		return ReasonAuthorization
	case p.Safety.SetCookie == RefuseSetCookie && len(h["Set-Cookie"]) > 0:
		return ReasonSetCookie
	case contentLength(h) > p.maxBody:
		return ReasonTooLarge
	case p.Outcome == Strict && j.outcome != ok, p.Outcome == AllowAll && j.outcome >= failed:
		return ReasonOutcome
	}
	return p.refusesUseless(a, j, status, h)
}

// refusesUseless keeps out what no later request could be given.
func (p *rules) refusesUseless(a *asked, j *judgement, status int, h http.Header) Reason {
	d := &j.draft
	fresh := d.Lifetime > d.InitialAge && !j.cc.NoCache // no-cache: nobody reuses it unasked
	credentials := a.authorization || a.cookie
	switch {
	case fresh:
		return ""
	case j.outcome >= failed:
		return ReasonNoLifetime
	case credentials && !j.cc.Public && d.StaleIfError <= 0 && d.StaleWhileRevalidate <= 0:
		return ReasonNoLifetime // for all we know it is one user's own
	}
	// RFC 9111 §3: without explicit freshness, public or a status that is
	// heuristically cacheable, nothing may be stored. Windows are the policy's word.
	explicit := d.LifetimeFrom != store.SourceNone || j.cc.Public || j.cc.NoCache || freshness.HeuristicallyCacheable(status)
	validator := len(h["Etag"]) > 0 || len(h["Last-Modified"]) > 0
	window := d.StaleIfError > 0 || d.StaleWhileRevalidate > 0
	if p.sie > 0 || p.swr > 0 { // the policy's own, never for credentials
		window = window || !credentials && (explicit || j.outcome == denied)
		explicit = explicit || window
	}
	if explicit && (validator || window || d.Lifetime > 0) {
		return ""
	}
	return ReasonNoLifetime
}

// mayBeShared reports whether waiters may have the response at all: those that are
// stored and fresh, and failures that say nothing of the user, so that a failing
// origin isn't asked once for each of them.
func (j *judgement) mayBeShared(a *asked, h http.Header) bool {
	if j.outcome >= failed {
		return !a.authorization && !a.cookie && !j.cc.NoStore && !j.cc.Private && len(h["Set-Cookie"]) == 0
	}
	return j.storing() && j.draft.Lifetime > j.draft.InitialAge && !j.cc.NoCache
}

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// freshenedHeader is the stored header with the fields of a 304 in it (RFC 9111
// §3.2): all but those that describe the body that was stored.
func freshenedHeader(e *store.Entry, update http.Header) http.Header {
	h := http.Header{}
	for _, f := range e.Fields() {
		h[f.Name] = f.Values
	}
	update = update.Clone()
	httpfield.StripHopByHop(update)
	for name, values := range update {
		switch name {
		case "Content-Length", "Content-Encoding", "Content-Type", "Content-Range":
		default:
			h[name] = values
		}
	}
	if _, aged := update["Age"]; !aged {
		delete(h, "Age")
	}
	return h
}

// ownLengthFrom is the size of the bodies for which net/http doesn't find out the length
// itself. Below it the field is left out, since each costs a hit its assignment.
const ownLengthFrom = 2048

// storedFields is the header as it is stored, in the order of names.
func (p *rules) storedFields(h http.Header, cc cachecontrol.Response, bodyLen int, status int) []store.Field {
	h = p.sharedHeader(h, cc)
	delete(h, "Age")
	if _, given := h["Content-Length"]; status != http.StatusNoContent && (given || bodyLen >= ownLengthFrom) {
		h["Content-Length"] = []string{strconv.Itoa(bodyLen)}
	}
	fields := make([]store.Field, 0, len(h))
	for name, values := range h {
		if len(values) > 0 {
			fields = append(fields, store.Field{Name: name, Values: values})
		}
	}
	slices.SortFunc(fields, func(a, b store.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// sharedHeader is the header as others may have it: without what belongs to the
// connection, to one client alone, or is qualified as private.
func (p *rules) sharedHeader(h http.Header, cc cachecontrol.Response) http.Header {
	h = h.Clone()
	httpfield.StripHopByHop(h)
	for _, name := range cc.PrivateFields { // RFC 9111 §5.2.2.7
		delete(h, name)
	}
	for _, name := range cc.NoCacheFields { // RFC 9111 §5.2.2.4
		delete(h, name)
	}
	if p.Safety.SetCookie != StoreSetCookie {
		delete(h, "Set-Cookie")
		delete(h, "Set-Cookie2")
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(h, name)
		}
	}
	return h
}
