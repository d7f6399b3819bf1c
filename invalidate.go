// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/marks"
)

// PurgeRequest says what is purged: exactly one of URL, Tag and All.
type PurgeRequest struct {
	// URL is an absolute URL. All its variants, methods and spellings are purged,
	// for http and https alike.
	URL string `json:"url,omitempty"`
	// Tag purges all responses that carry this tag (cache group).
	Tag string `json:"tag,omitempty"`
	// All purges everything.
	All bool `json:"all,omitempty"`
	// Soft makes responses stale instead of taking them away: they may still
	// stand in for a failing origin.
	Soft bool `json:"soft,omitempty"`
}

// ErrPurgeRequest says that a PurgeRequest names nothing, or more than one thing.
var ErrPurgeRequest = errors.New("bad purge request")

// Purge makes stored responses unusable from now on, also those that are just
// being fetched. It costs the same for one response and for a million. When it
// returns nil, this process serves nothing that it purged.
func (c *Cache) Purge(_ context.Context, p PurgeRequest) error {
	hash, err := p.hash()
	if err != nil {
		return err
	}
	c.marks.Mark(hash, p.Soft)
	c.emit(Event{Kind: EventDropped, Reason: ReasonPurge, Path: p.Tag})
	return nil
}

func (p PurgeRequest) hash() (uint64, error) {
	named := 0
	for _, given := range [...]bool{p.URL != "", p.Tag != "", p.All} {
		if given {
			named++
		}
	}
	if named != 1 {
		return 0, fmt.Errorf("%w: exactly one of url, tag and all must be given, not %d", ErrPurgeRequest, named)
	}
	switch {
	case p.All:
		return marks.All, nil
	case p.Tag != "":
		return marks.TagHash(p.Tag), nil
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return 0, fmt.Errorf("%w: url: %w", ErrPurgeRequest, err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, fmt.Errorf("%w: url must be absolute, with http or https and a host", ErrPurgeRequest)
	}
	return marks.URLHash(u.Host, rawTarget(p.URL)), nil
}

// rawTarget cuts path and query out of an absolute URL as they stand there.
func rawTarget(s string) string {
	_, s, _ = strings.Cut(s, "://")
	s, _, _ = strings.Cut(s, "#")
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		return s[i:]
	}
	return "/"
}

// isUnsafe: RFC 9110 §9.2.1. A method that isn't known is unsafe.
func isUnsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return false
	}
	return true
}

// invalidate marks what a successful unsafe request has changed: its target, and the
// URLs that the response names, on the same origin (RFC 9111 §4.4).
func (h *handler) invalidate(r *http.Request, locations ...string) {
	host, target := requestTarget(r)
	h.invalidateTarget(r, host, target)
	base, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	for _, location := range locations {
		if location == "" {
			continue
		}
		ref, err := url.Parse(location)
		if err != nil || ref.Host != "" && !sameHost(ref, r) {
			continue
		}
		h.invalidateTarget(r, host, base.ResolveReference(ref).RequestURI())
	}
}

func sameHost(u *url.URL, r *http.Request) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if u.Scheme != "" && u.Scheme != scheme && r.Header.Get("X-Forwarded-Proto") != u.Scheme {
		return false
	}
	return strings.EqualFold(u.Host, r.Host)
}

// invalidateTarget makes a hard mark where there is something to invalidate: it is
// cheap, but it makes other processes look.
func (h *handler) invalidateTarget(r *http.Request, host, target string) {
	if !h.p.extendsKey && !h.stands(r, target) {
		return
	}
	h.c.marks.Mark(marks.URLHash(host, target), false)
	h.c.emit(Event{Kind: EventDropped, Reason: ReasonUnsafe, Method: r.Method, Host: r.Host, Path: pathOf(r)})
}

// stands reports whether the GET key of a target has a stored response or a fetch
// under way.
func (h *handler) stands(r *http.Request, target string) bool {
	get := r.WithContext(context.WithoutCancel(r.Context()))
	get.Method, get.RequestURI = http.MethodGet, target
	if u, err := url.ParseRequestURI(target); err == nil {
		if stripped := r.URL; samePath(r.RequestURI, stripped) || r.RequestURI == "" {
			get.URL = u
		}
	}
	s := h.c.scratch.Get().(*scratch)
	defer h.c.scratch.Put(s)
	s.key = h.p.appendKey(s.key[:0], get, fieldsOfInterest(get.Header))
	if h.c.flights.Lookup(flight.Key{Primary: string(s.key)}) != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(get.Context(), h.c.cfg.StoreTimeout)
	defer cancel()
	return h.c.get(ctx, s.key) != nil
}

// forget deletes what is stored for a request, under the outcome policy None.
func (h *handler) forget(r *http.Request) {
	s := h.c.scratch.Get().(*scratch)
	defer h.c.scratch.Put(s)
	s.key = h.p.appendKey(s.key[:0], r, fieldsOfInterest(r.Header))
	h.c.writes.put(string(s.key), write{})
}
