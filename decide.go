// SPDX-License-Identifier: MIT

package holdover

import (
	"time"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// maxSkew is how far in the future a stored response may lie before it is stale.
const maxSkew = 5 * time.Second

// facts are what a decision knows about a stored response: what the origin said,
// and at this moment how old it is. They are plain values, so that decisions are
// pure functions.
type facts struct {
	flags    store.Flags
	source   store.Source
	lifetime time.Duration
	age      time.Duration // RFC 9111 §4.2.3
	soft     bool          // purged softly, or perhaps: stale from then on
	future   bool          // the clock was set back: stale
	swr, sie time.Duration // the origin's, or store.Absent
}

func factsOf(e *store.Entry, v marks.Verdict, now int64) facts {
	f := facts{
		flags:    e.Flags(),
		source:   e.LifetimeFrom(),
		lifetime: e.Lifetime(),
		age:      freshness.CurrentAge(e.InitialAge(), e.ResponseTime(), now),
		future:   e.ResponseTime() > now+int64(maxSkew),
		swr:      e.StaleWhileRevalidate(),
		sie:      e.StaleIfError(),
	}
	f.add(v)
	return f
}

// add adds what the marks say.
func (f *facts) add(v marks.Verdict) {
	if v >= marks.Soft {
		f.soft = true
	}
	if v >= marks.Unsure { // a purge that nobody here knows may have meant it
		f.flags |= store.MustRevalidate
	}
}

func (f facts) has(flag store.Flags) bool { return f.flags&flag != 0 }

// forAll reports whether a lifetime from this source may be given to requests that carry
// credentials: it is the origin's own word, or in the profile RFC a heuristic.
func (p *rules) forAll(source store.Source) bool {
	return source <= store.SourceExpires || source == store.SourceHeuristic && p.Profile == RFC
}

// fresh: RFC 9111 §4.2. Equal means stale.
func (f facts) fresh() bool { return f.lifetime > f.age && !f.soft && !f.future }

// staleness is how long the response has been stale.
func (f facts) staleness() time.Duration { return max(f.age-f.lifetime, 0) }

// mayBeStale: RFC 9111 §4.2.4. A response with no-cache, must-revalidate or
// proxy-revalidate, or one that failed itself, is never used stale.
func (f facts) mayBeStale() bool {
	return !f.has(store.NoCache | store.MustRevalidate | store.ProxyRevalidate | store.Failed)
}

// window resolves one of the stale windows. s-maxage implies proxy-revalidate
// (RFC 9111 §5.2.2.10), which an explicit window of the origin outranks, but not in the
// profile RFC, and one of the policy does not; nor does that apply to what may be one
// user's own.
func (f facts) window(origins, policys time.Duration, p *rules) time.Duration {
	switch {
	case !f.mayBeStale(), p.Profile == RFC && f.has(store.SMaxAge):
		return 0
	case origins != store.Absent:
		return origins
	case f.guarded(p):
		return 0
	}
	return policys
}

// guarded reports whether only windows of the origin's own apply: beside s-maxage, and in
// the profile Safe to what may be one user's own.
func (f facts) guarded(p *rules) bool {
	return f.has(store.SMaxAge) || p.Profile == Safe && f.has(store.Personal)
}

// wishes are what the request says of stored responses.
type wishes struct {
	cc          cachecontrol.Request
	credentials bool // it carries some that are not part of the key
}

// barredFrom reports whether the response must not be used for this request at
// all: lifetimes and windows that the origin didn't give never apply to credentials, and
// what another policy stored with cookies isn't for one that keeps them out.
func (f facts) barredFrom(w wishes, p *rules) bool {
	silent := p.Profile == Safe && f.source == store.SourceNone && f.sie == store.Absent && f.swr == store.Absent
	cookies := f.has(store.SetsCookie) && p.setCookie != StoreSetCookie // stored under another policy
	return cookies || w.credentials && (!p.forAll(f.source) || silent)
}

// action is what a request does next.
type action uint8

const (
	forward    action = iota // fetch or validate, then answer
	serve                    // answer from the store
	serveStale               // answer from the store and revalidate behind
	refuse                   // 504: only-if-cached and nothing usable
)

// decision is an action with its reason.
type decision struct {
	action action
	reason Reason
}

// decide says what a request does with what was found: a pure function.
func decide(stored bool, f facts, w wishes, p *rules, miss Reason) decision {
	d := decideStored(stored, f, w, p, miss)
	if w.cc.OnlyIfCached && d.action == forward { // RFC 9111 §5.2.1.7
		return decision{refuse, ReasonOnlyIfCached}
	}
	return d
}

func decideStored(stored bool, f facts, w wishes, p *rules, miss Reason) decision {
	switch {
	case !stored:
		return decision{forward, miss}
	case f.has(store.NoCache): // RFC 9111 §5.2.2.4
		return decision{forward, ReasonStale}
	case f.barredFrom(w, p), w.cc.NoCache: // RFC 9111 §5.2.1.4
		return decision{forward, f.refusedAs()}
	case w.cc.MaxAge != cachecontrol.Absent && f.age > w.cc.MaxAge && !(f.has(store.Immutable) && f.fresh()): // §5.2.1.1, RFC 8246 §2.1
		return decision{forward, f.refusedAs()}
	case f.fresh():
		if w.cc.MinFresh != cachecontrol.Absent && f.lifetime-f.age < w.cc.MinFresh { // §5.2.1.3
			return decision{forward, ReasonRequest}
		}
		return decision{serve, ReasonHit}
	case w.cc.MinFresh != cachecontrol.Absent:
		return decision{forward, ReasonStale}
	case p.Outcome == Strict: // nothing stale
		return decision{forward, ReasonStale}
	case f.staleness() < f.window(f.swr, p.swr, p): // RFC 5861 §3
		return decision{serveStale, ReasonStaleWhileRevalidate}
	case f.acceptsStale(w, p): // §5.2.1.2
		return decision{serve, ReasonMaxStale}
	}
	return decision{forward, ReasonStale}
}

// refusedAs is why a request that doesn't want the response is forwarded: "request" is only
// said of fresh ones (RFC 9211 §2.2).
func (f facts) refusedAs() Reason {
	if f.fresh() {
		return ReasonRequest
	}
	return ReasonStale
}

// acceptsStale: max-stale of the request, which reaches as far as keep.
func (f facts) acceptsStale(w wishes, p *rules) bool {
	if !f.mayBeStale() || f.guarded(p) || f.staleness() >= p.keep {
		return false
	}
	return w.cc.AnyMaxStale || w.cc.MaxStale != cachecontrol.Absent && f.staleness() <= w.cc.MaxStale
}

// onFault says whether a stored response may stand in for a failure, and by what
// right: a pure function. A response that a request's no-cache refuses is not given
// either; max-age and min-fresh are preferences and yield to a failure.
func onFault(f facts, w wishes, p *rules, fault Reason) (Reason, bool) {
	if f.has(store.NoCache|store.Failed) || f.barredFrom(w, p) || w.cc.NoCache || p.Outcome == Strict {
		return "", false
	}
	if f.fresh() { // the request preferred a newer one
		return ReasonStaleIfError, true
	}
	if !f.mayBeStale() {
		return "", false
	}
	if f.staleness() < f.window(f.sie, p.sie, p) {
		return ReasonStaleIfError, true
	}
	// A stale-if-error of the request (RFC 5861 §4) reaches as far as keep.
	if n := w.cc.StaleIfError; n != cachecontrol.Absent && f.staleness() < min(n, p.keep) && !f.guarded(p) {
		return ReasonStaleIfError, true
	}
	if fault == ReasonSoftTimeout {
		return ReasonSoftTimeout, f.staleness() < f.window(f.swr, p.swr, p)
	}
	if unreachable(fault) && f.sie == store.Absent && f.staleness() < f.window(store.Absent, p.keep, p) {
		return ReasonDisconnected, true // RFC 9111 §4.2.4
	}
	return "", false
}

// unreachable are the failures in which the origin gave no answer at all.
func unreachable(fault Reason) bool {
	return fault == ReasonTransport || fault == ReasonTimeout || fault == ReasonAttempt
}
