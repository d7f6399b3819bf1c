// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

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
	case a.method == http.MethodHead || status < 200 || status == http.StatusPartialContent && !a.partial ||
		status == http.StatusNotModified || status == http.StatusRequestedRangeNotSatisfiable:
		return ReasonUnstorable
	case mustNotBeStored(status) && d.LifetimeFrom != store.SourceStatusRule && d.LifetimeFrom != store.SourceRetryAfter:
		return ReasonUnstorable
	case j.fault == ReasonTransport:
		return ReasonTransport
	case any:
		return ReasonVaryStar
	case a.authorization && d.Flags&(store.Public|store.MustRevalidate|store.SMaxAge) == 0: // RFC 9111 §3.5
		return ReasonAuthorization
	case p.setCookie == RefuseSetCookie && len(h["Set-Cookie"])+len(h["Set-Cookie2"]) > 0:
		return ReasonSetCookie
	case isEventStream(h):
		return ReasonEventStream
	case contentLength(h) > p.maxBody:
		return ReasonTooLarge
	case p.Outcome == Strict && j.outcome != ok, p.Outcome == AllowAll && j.outcome >= failed:
		return ReasonOutcome
	}
	return p.refusesUseless(a, j, status, h)
}

// isEventStream reports whether a body has no end, and is of use only while it arrives. What isn't
// stored ends with its client.
func isEventStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.TrimSpace(kind)
	return strings.EqualFold(kind, "text/event-stream") || strings.EqualFold(kind, "multipart/x-mixed-replace")
}

// mustNotBeStored knows the statuses of RFC 6585, which are about one request or client. Only a
// rule of the policy for the status outranks that.
func mustNotBeStored(status int) bool {
	switch status {
	case http.StatusPreconditionRequired, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusNetworkAuthenticationRequired:
		return true
	}
	return false
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
	case p.Profile == Safe && credentials && !j.cc.Public && d.StaleIfError <= 0 && d.StaleWhileRevalidate <= 0:
		return ReasonNoLifetime // for all we know it is one user's own
	}
	// RFC 9111 §3: without explicit freshness, public or a status that is
	// heuristically cacheable, nothing may be stored. Windows are the policy's word.
	explicit := d.LifetimeFrom != store.SourceNone || j.cc.Public || freshness.HeuristicallyCacheable(status)
	validator := len(h["Etag"]) > 0 || len(h["Last-Modified"]) > 0
	window := d.StaleIfError > 0 || d.StaleWhileRevalidate > 0
	if p.sie > 0 || p.swr > 0 { // the policy's own, never for credentials
		window = window || !credentials && (explicit || j.outcome == denied)
		explicit = explicit || window
	}
	window = window && d.Flags&(store.NoCache|store.MustRevalidate|store.ProxyRevalidate) == 0 // never stale
	lasting := d.Lifetime > 0 && !j.cc.NoCache
	if explicit && (validator || window || lasting) {
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
	// Those who wait asked before it was made: how long that took is no part of its age for
	// them, or an origin that takes longer than a lifetime would be asked by each.
	arrived := j.draft.ResponseTime
	return j.storing() && j.draft.Lifetime > freshness.InitialAge(h, arrived, arrived) && !j.cc.NoCache
}

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
