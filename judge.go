// SPDX-License-Identifier: MIT

package holdover

import (
	"math/rand/v2"
	"net/http"
	"time"

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
	partial       bool        // a part may be stored as one
	repeats       uint8       // how often in a row the key had this status before, where a rule grows
	started       int64
	asOf          []store.Position
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
	foreign   bool   // … that names others: it answers, but updates nothing
	endless   bool   // its body is of use only while it arrives
	shareable bool   // waiters may have it, if their own requests allow it

	cc         cachecontrol.Response
	targeted   bool           // cc was given by a targeted field
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
	j := &judgement{outcome: p.classOf(status)}
	j.cc, j.targeted = p.directives(h)
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
		if j.foreign = !speaksOf(a.validated, h); j.foreign {
			h = http.Header{}
		}
		h = freshenedHeader(a.validated, h)
		status = a.validated.Status()
		j.cc, j.targeted = p.directives(h)
	}
	j.endless = isEventStream(h)
	c.draft(p, a, j, status, h, now)
	if j.freshened {
		// These tell of the request that the body was made for.
		const made = store.Sniffed | store.Anonymous
		j.draft.Flags = j.draft.Flags&^made | a.validated.Flags()&made
	}
	j.refused = p.refuses(a, j, status, h)
	if over := false; j.storing() {
		if j.draft.Tags, over = p.tagsOf(a.request, a.host, status, h); over {
			j.refused = ReasonUnstorable // a purge could miss it
		}
	}
	if j.foreign {
		j.refused = ReasonMismatch
		if !factsOf(a.validated, c.marks.Entry(a.validated, now), now).mayBeStale() || j.draft.Flags&store.SMaxAge != 0 {
			j.outcome, j.fault = failed, ReasonMismatch // nothing was validated
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
	d.AsOf = a.asOf
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
	if p.Freshness.Jitter > 0 {
		d.Lifetime = p.jittered(d.Lifetime, rand.Float64())
	}
	if len(h["Set-Cookie"])+len(h["Set-Cookie2"]) > 0 && p.setCookie == StoreSetCookie {
		d.Flags |= store.SetsCookie
	}
	if (a.authorization || a.cookie) && (d.Lifetime <= d.InitialAge || j.cc.NoCache) && !j.cc.Public {
		d.Flags |= store.Personal
	}
	names, _ := httpfield.VaryNames(h["Vary"])
	j.varyNames = names
	j.selected = string(p.appendSelected(nil, names, a.header, a.host))
	d.StoreUntil = now + int64(p.storageLife(d, c.cfg.MaxLife))
}

func flagsOf(cc cachecontrol.Response) (f store.Flags) {
	for _, d := range [...]struct {
		given bool
		flag  store.Flags
	}{
		{cc.NoCache, store.NoCache}, {cc.MustRevalidate, store.MustRevalidate},
		{cc.ProxyRevalidate, store.ProxyRevalidate}, {cc.SMaxAge != cachecontrol.Absent, store.SMaxAge}, {cc.Public, store.Public}, {cc.Immutable, store.Immutable},
	} {
		if d.given {
			f |= d.flag
		}
	}
	return f
}
