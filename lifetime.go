// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/store"
)

// directives returns what the origin says to this cache: the first targeted field that is
// valid and not empty (RFC 9213 §2.2), else Cache-Control.
func (p *rules) directives(h http.Header) (cc cachecontrol.Response, targeted bool) {
	for _, name := range p.targeted {
		if lines, given := h[name]; given {
			if cc, valid := cachecontrol.ParseTargeted(lines); valid {
				return cc, true
			}
		}
	}
	return cachecontrol.ParseResponse(h["Cache-Control"]), false
}

// explicit returns the lifetime that the origin gave.
func (j *judgement) explicit(h http.Header, now int64) (time.Duration, store.Source) {
	if j.targeted {
		return freshness.Targeted(j.cc)
	}
	return freshness.Explicit(h, j.cc, now)
}

// lifetime: the origin's explicit word, then Retry-After in place of a rule's TTL,
// then the rule for the status, then a heuristic, then the default TTL. What isn't
// the origin's word never applies to a request with credentials, but for the heuristic
// in the profile RFC.
func (p *rules) lifetime(a *asked, j *judgement, status int, h http.Header, now int64) (time.Duration, store.Source) {
	if status == http.StatusPartialContent {
		status = http.StatusOK // of which it is a part
	}
	rule, ruled := p.Freshness.StatusTTL[status]
	explicit, source := j.explicit(h, now)
	ours := !a.authorization && !a.cookie
	if source != store.SourceNone && !(ruled && rule.Override && ours) {
		return explicit, source
	}
	switch {
	case ours && ruled && rule.TTL > 0 && j.retryAfter > 0:
		return min(j.retryAfter, backoff.MaxRetryAfter), store.SourceRetryAfter
	case ours && ruled:
		return rule.ttl(a.repeats), store.SourceStatusRule
	case j.outcome >= failed:
		return 0, store.SourceNone
	}
	if ours || p.Profile == RFC {
		if d, given := freshness.Heuristic(h, j.cc, status, now, p.heuristic, p.heuristicMax); given {
			return d, store.SourceHeuristic
		}
	}
	if ours && p.Freshness.DefaultTTL > 0 && freshness.HeuristicallyCacheable(status) {
		return p.Freshness.DefaultTTL, store.SourceDefault
	}
	return 0, store.SourceNone
}

// jittered shortens a lifetime by a random part, where the policy says so. r is from 0 to 1.
func (p *rules) jittered(d time.Duration, r float64) time.Duration {
	return d - time.Duration(float64(d)*p.Freshness.Jitter*r)
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
