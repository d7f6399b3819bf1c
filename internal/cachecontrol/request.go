// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"strings"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// Request holds the directives of a request (RFC 9111 §5.2.1).
type Request struct {
	NoStore      bool // §5.2.1.5
	NoCache      bool // §5.2.1.4, or Pragma: no-cache
	OnlyIfCached bool // §5.2.1.7
	NoTransform  bool // §5.2.1.6
	AnyMaxStale  bool // §5.2.1.2: max-stale without a number

	// Absent when not given or not readable.
	MaxAge       time.Duration // §5.2.1.1
	MinFresh     time.Duration // §5.2.1.3
	MaxStale     time.Duration // §5.2.1.2
	StaleIfError time.Duration // RFC 5861 §4
}

// ParseRequest reads the lines of a request's Cache-Control, and of its Pragma
// where there is no Cache-Control (RFC 9111 §5.4). It allocates nothing if
// there is neither.
func ParseRequest(cacheControl, pragma []string) Request {
	r := Request{MaxAge: Absent, MinFresh: Absent, MaxStale: Absent, StaleIfError: Absent}
	if len(cacheControl) == 0 {
		for d := range directives(pragma) {
			r.NoCache = r.NoCache || nameOf(d) == "no-cache"
		}
		return r
	}
	for d := range directives(cacheControl) {
		r.add(d)
	}
	if r.MaxStale != Absent {
		r.AnyMaxStale = false // the narrower of the two counts
	}
	return r
}

func (r *Request) add(directive string) {
	name := nameOf(directive)
	switch name { // RFC 9111 §5.2.1 defines no argument for the first four: it is ignored
	case "no-store":
		r.NoStore = true
	case "no-cache":
		r.NoCache = true
	case "only-if-cached":
		r.OnlyIfCached = true
	case "no-transform":
		r.NoTransform = true
	case "max-age", "min-fresh", "max-stale", "stale-if-error":
		r.addDuration(name, directive)
	}
}

func (r *Request) addDuration(name, directive string) {
	if name == "max-stale" && strings.EqualFold(directive, name) {
		r.AnyMaxStale = true
		return
	}
	p, err := cacheobject.ParseRequestCacheControl(directive)
	if err != nil || !isSeconds(directive[len(name):]) {
		return
	}
	switch name {
	case "max-age":
		tighten(&r.MaxAge, seconds(p.MaxAge))
	case "min-fresh": // the larger demands more
		r.MinFresh = max(r.MinFresh, seconds(p.MinFresh))
	case "max-stale":
		tighten(&r.MaxStale, seconds(p.MaxStale))
	case "stale-if-error":
		tighten(&r.StaleIfError, seconds(p.StaleIfError))
	}
}
