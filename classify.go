// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"
	"strings"

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
func (p *rules) classify(r *http.Request, in interest) (route, Reason) {
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
		if in&hasUpgrade != 0 && upgrades(r.Header) {
			return upgrade, ReasonMethod
		}
		return direct, ReasonMethod
	}
	if in&hasUpgrade != 0 && upgrades(r.Header) {
		return upgrade, ReasonBypass
	}
	if in&hasAccept != 0 && wantsEventStream(r.Header["Accept"]) {
		return direct, ReasonBypass
	}
	if p.Outcome == None || p.Bypass != nil && p.Bypass(r) {
		return direct, ReasonBypass
	}
	return cached, ""
}

func (p *rules) caches(method string) bool {
	return slices.Contains(p.otherMethods, method)
}

// upgrades: Upgrade counts only where Connection names it (RFC 9110 §7.8); the offer of
// HTTP/2 is ignored by servers.
func upgrades(h http.Header) bool {
	if !httpfield.HasToken(h["Connection"], "upgrade") {
		return false
	}
	for protocol := range httpfield.Tokens(h["Upgrade"]) {
		if !strings.EqualFold(protocol, "h2c") {
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

// interest is which of the fields that matter a request has.
type interest uint16

const (
	hasUpgrade interest = 1 << iota
	hasAccept
	hasForwardedProto
	hasDirectives // Cache-Control or Pragma
	hasRange
	hasCondition
	hasPrecondition // one that only the origin may evaluate (RFC 9111 §4.3.2)
	hasAuthorization
	hasCookie
	hasCertificate // of the client, in TLS
)

// interestOf collects what matters of a request beside method and target.
func interestOf(r *http.Request) interest {
	in := fieldsOfInterest(r.Header)
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		in |= hasCertificate
	}
	return in
}

// onlyHarmless knows the requests of programs: to look for the two fields that they
// send takes half the time of a walk.
func onlyHarmless(h http.Header) bool {
	n := 0
	if _, there := h["User-Agent"]; there {
		n++
	}
	if _, there := h["Accept-Encoding"]; there {
		n++
	}
	return n == len(h)
}

// fieldsOfInterest walks over the header once instead of asking for each name.
func fieldsOfInterest(h http.Header) (in interest) {
	if len(h) <= 2 && onlyHarmless(h) {
		return 0
	}
	for name := range h {
		switch name {
		case "Upgrade":
			in |= hasUpgrade
		case "Accept":
			in |= hasAccept
		case "X-Forwarded-Proto":
			in |= hasForwardedProto
		case "Cache-Control", "Pragma":
			in |= hasDirectives
		case "Range":
			in |= hasRange
		case "If-None-Match", "If-Modified-Since":
			in |= hasCondition
		case "If-Match", "If-Unmodified-Since":
			in |= hasPrecondition
		case "Authorization":
			in |= hasAuthorization
		case "Cookie":
			in |= hasCookie
		}
	}
	return in
}
