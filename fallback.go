// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/textproto"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// compileFallback validates the allow list's part of a policy and fills in defaults.
func (r *rules) compileFallback() (errs []error) {
	f := &r.Fallback
	bad := func(field, format string, args ...any) {
		errs = append(errs, &ConfigError{Field: "Policy.Fallback" + field, Err: fmt.Errorf(format, args...)})
	}
	sources := 0
	for _, given := range [...]bool{f.Header != "", f.Query != "", f.Credential != nil} {
		if given {
			sources++
		}
	}
	if f.List == nil {
		if sources > 0 || len(f.Statuses) > 0 || f.TTL != 0 || f.Max != 0 || f.Answer.given() {
			bad(".List", "is nil, so that the rest of Fallback has no effect")
		}
		return errs
	}
	if sources != 1 {
		bad("", "exactly one of Header, Query and Credential must be set, not %d: else the list can never match", sources)
	}
	if f.Header != "" && !isToken(f.Header) {
		bad(".Header", "%q is not a field name", f.Header)
	}
	if r.Outcome == None {
		bad(".List", "has no effect under the outcome policy None")
	}
	f.Header = textproto.CanonicalMIMEHeaderKey(f.Header)
	f.Answer = f.Answer.withDefaults()
	if part, err := f.Answer.check(); err != nil {
		bad(".Answer."+part, "%w", err)
	}
	if f.TTL < 0 {
		bad(".TTL", "%v is negative, but grants always end", f.TTL)
	}
	if f.Max < 0 {
		bad(".Max", "%v is negative, but grants always end", f.Max)
	}
	f.Max = orDefault(f.Max, defaultGrantMax, 0)
	if f.TTL > f.Max {
		bad(".TTL", "%v is longer than all grants of an outage together, %v", f.TTL, f.Max)
	}
	f.TTL = orDefault(f.TTL, min(defaultGrantTTL, f.Max), 0)
	r.fallbackOn = map[int]bool{}
	for i, s := range f.Statuses {
		if s < 400 || s > 599 {
			bad(fmt.Sprintf(".Statuses[%d]", i), "%d is not an error status", s)
		} else if r.classOf(s) != failed {
			bad(fmt.Sprintf(".Statuses[%d]", i), "%d is no failure: it isn't among Origin.ErrorStatuses", s)
		}
		r.fallbackOn[s] = true
	}
	if len(f.Statuses) == 0 {
		r.fallbackOn[http.StatusGatewayTimeout] = true
	}
	return errs
}

// member finds the request's credential and tells whether it is on the list.
func (r *rules) member(req *http.Request) (credential string, member bool) {
	f := &r.Fallback
	switch {
	case f.Header != "":
		values := req.Header[f.Header]
		if len(values) != 1 { // two credentials are none
			return "", false
		}
		credential = values[0]
	case f.Query != "":
		values := req.URL.Query()[f.Query]
		if len(values) != 1 {
			return "", false
		}
		credential = values[0]
	default:
		credential = f.Credential(req)
	}
	return credential, credential != "" && f.List.Contains(credential)
}

// grantPass lets a member pass, within the bounds of the outage.
func (x *exchange) grantPass(fault Reason, code int) bool {
	f := &x.p.Fallback
	if f.List == nil || code != 0 && fault == ReasonErrorStatus && !x.p.fallbackOn[code] {
		return false
	}
	credential, member := x.p.member(x.r)
	if !member {
		return false
	}
	now := x.c.clock()
	since := x.scope.outage()
	if since == 0 {
		since = x.now
	}
	end := min(now+int64(f.TTL), since+int64(f.Max))
	if now >= end {
		return false
	}
	x.c.grants.add(x.grantKey(credential), grant{from: now, until: end})
	x.synthetic(f.Answer, ReasonFallback)
	x.c.emit(Event{
		Kind: EventGrant, Reason: ReasonFallback, Method: x.r.Method, Host: x.r.Host, Path: pathOf(x.r),
		Status: f.Answer.Status, Fault: fault, Duration: time.Duration(end - now),
	})
	return true
}

// grantKey ties a grant to what was asked and by whom.
func (x *exchange) grantKey(credential string) uint64 {
	var h maphash.Hash
	h.SetSeed(x.c.seed)
	_, _ = h.WriteString(x.key)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(credential)
	return h.Sum64()
}

// grant is how long a credential passes without the origin being asked.
type grant struct{ from, until int64 }

// grants are those of the present outages. Losing one costs the origin a request.
type grants struct {
	mu  sync.Mutex
	lru *simplelru.LRU[uint64, grant]
}

const maxGrants = 1 << 16

func newGrants() *grants {
	lru, _ := simplelru.NewLRU[uint64, grant](maxGrants, nil) // fails only for sizes below 1
	return &grants{lru: lru}
}

func (g *grants) add(key uint64, gr grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lru.Add(key, gr)
}

// holds reports whether a grant is in force: not over, and the origin has not
// answered anybody since.
func (g *grants) holds(key uint64, s *scope, now int64) bool {
	g.mu.Lock()
	gr, given := g.lru.Get(key)
	g.mu.Unlock()
	return given && now < gr.until && s.lastSuccess() < gr.from
}
