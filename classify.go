// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"

	"github.com/holdover-go/holdover/internal/httpfield"
)

// route is where a request goes before anything is looked up.
type route uint8

const (
	cached  route = iota // into the cache
	direct               // to the handler, on its own goroutine with its own writer
	upgrade              // the same, and the answer isn't touched
)

// classify sends straight through what can't be answered from a cache.
func (p *rules) classify(r *http.Request) (route, Reason) {
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		if !p.getHead {
			return direct, ReasonMethod
		}
		if hasBody(r) {
			return direct, ReasonBypass
		}
	case r.Method == http.MethodConnect:
		return upgrade, ReasonMethod
	case !p.caches(r.Method):
		if _, asked := r.Header["Upgrade"]; asked {
			return upgrade, ReasonMethod
		}
		return direct, ReasonMethod
	}
	if _, asked := r.Header["Upgrade"]; asked {
		return upgrade, ReasonBypass
	}
	if accept := r.Header["Accept"]; len(accept) > 0 && wantsEventStream(accept) {
		return direct, ReasonBypass
	}
	if p.Outcome == None || p.Bypass != nil && p.Bypass(r) {
		return direct, ReasonBypass
	}
	return cached, ""
}

func (p *rules) caches(method string) bool {
	for _, m := range p.otherMethods {
		if m == method {
			return true
		}
	}
	return false
}

func hasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

// wantsEventStream: streams of events never end, so nothing can be stored of them
// or shared.
func wantsEventStream(accept []string) bool {
	if len(accept) == 1 && len(accept[0]) < len("text/event-stream") {
		return false
	}
	return httpfield.HasToken(accept, "text/event-stream")
}

// needsOrigin are the preconditions that only the origin may evaluate (RFC 9111 §4.3.2).
func needsOrigin(h http.Header) bool {
	_, match := h["If-Match"]
	_, unmodified := h["If-Unmodified-Since"]
	return match || unmodified
}
