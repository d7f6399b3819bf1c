// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// PurgeRequest says what is purged: exactly one of URL, Tag and All.
type PurgeRequest struct {
	// URL is an absolute URL. All its variants, methods and spellings are purged,
	// for http and https alike. Where Policy.Key.Target rewrites URLs, the
	// rewritten URL is purged too; a policy given to Cache.With must be purged by
	// the URLs that it rewrites to.
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
// returns, this process serves nothing that it purged. When it returns nil, the purge stands
// in a journal too, if there is one, and in each that could be reached if there are several:
// within a quarter of a second it counts for all processes that read one of them.
// ErrUnconfirmed says that this is still to come. Other errors are ErrPurgeRequest and ErrClosed.
func (c *Cache) Purge(ctx context.Context, p PurgeRequest) error {
	if c.closed.Load() {
		return ErrClosed
	}
	hash, err := p.hash()
	if err != nil {
		return err
	}
	made := []store.Mark{c.marks.MarkPending(hash, p.Soft)}
	if rewritten, differs := c.rewritten(p.URL); differs {
		made = append(made, c.marks.MarkPending(rewritten, p.Soft))
	}
	c.emit(Event{Kind: EventDropped, Reason: ReasonPurge, Path: p.Tag})
	return c.journals.confirm(ctx, made)
}

// rewritten returns the hash of a URL as Policy.Key.Target rewrites it.
func (c *Cache) rewritten(rawURL string) (uint64, bool) {
	if rawURL == "" || !c.rules.rewrites() {
		return 0, false
	}
	r, err := http.NewRequest(http.MethodGet, rawURL, nil)
	if err != nil {
		return 0, false
	}
	r.RequestURI = rawTarget(rawURL)
	host, target := c.rules.target(r)
	return marks.URLHash(host, target), true
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
// URLs that the response names, on the same origin (RFC 9111 §4.4). It returns what it
// had marked.
func (h *handler) invalidate(r *http.Request, rep *representation, locations ...string) []uint64 {
	marked := h.invalidateTarget(nil, r, r, rep)
	base, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return marked
	}
	for _, location := range locations {
		if location == "" {
			continue
		}
		ref, err := url.Parse(location)
		if err != nil || ref.Host != "" && !sameHost(ref, r) {
			continue
		}
		marked = h.invalidateTarget(marked, r, h.other(r, base.ResolveReference(ref)), rep)
	}
	return marked
}

// invalidateGroups marks the groups that a successful unsafe request has changed, as its
// response says (RFC 9875 §3).
func (h *handler) invalidateGroups(r *http.Request, rep *representation, lines []string) (marked []uint64) {
	groups := groupsOf(lines)
	if len(groups) > maxTags { // too many to tell apart
		h.mark(rep, marks.All)
		return append(marked, marks.All)
	}
	host, _ := h.p.target(r)
	for _, group := range groups {
		hash := groupHash(host, group)
		h.mark(rep, hash)
		h.c.emit(Event{Kind: EventDropped, Reason: ReasonUnsafe, Method: r.Method, Host: r.Host, Path: group})
		marked = append(marked, hash)
	}
	return marked
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

// other is the GET request for another URL on the origin of r.
func (h *handler) other(r *http.Request, u *url.URL) *http.Request {
	get := r.WithContext(r.Context())
	get.Method, get.RequestURI, get.URL = http.MethodGet, u.RequestURI(), u
	return get
}

// invalidateTarget makes a hard mark where there may be something to invalidate. What stores
// hold that others fill, or did before, isn't known here, nor what other processes keep that
// read the same journal.
func (h *handler) invalidateTarget(marked []uint64, r, get *http.Request, rep *representation) []uint64 {
	hash := marks.URLHash(h.p.target(get))
	// What is under way is looked at first: when it ends, it has left its trace in seen.
	if h.c.ownStore && len(h.c.journals) == 0 && h.c.flights.Running() == 0 && h.c.kept.of(hash) <= rep.own(hash) && !h.c.seen.has(hash) {
		return marked
	}
	h.mark(rep, hash)
	h.c.emit(Event{Kind: EventDropped, Reason: ReasonUnsafe, Method: r.Method, Host: r.Host, Path: pathOf(get)})
	return append(marked, hash)
}

// mark makes a hard mark for what the request of rep, nil if it is none, has changed.
func (h *handler) mark(rep *representation, hash uint64) {
	if rep != nil {
		rep.mark(hash)
		return
	}
	h.c.markElsewhere(hash)
}

// markElsewhere makes a hard mark that is written into the journal without waiting for it.
func (c *Cache) markElsewhere(hash uint64) {
	c.marks.MarkPending(hash, false)
	c.journals.nudge()
}

// forget deletes what is stored for a request, under the outcome policy None.
func (h *handler) forget(r *http.Request) {
	if h.c.closed.Load() { // the store is the caller's
		return
	}
	key := h.p.appendKey(nil, r, interestOf(r))
	h.c.writes.put(string(key), write{})
	h.c.dropPart(string(key), maphash.Bytes(h.c.seed, key))
}
