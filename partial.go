// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"hash/maphash"
	"net/http"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// Of a response that came in parts (206), one contiguous part is stored, under a key of
// its own: it answers requests for ranges within it, and nothing else (RFC 9111 §3.3).
// It grows by what further requests bring, if that touches it and a strong validator says
// that it is of the same bytes (§3.4), and becomes a complete response when nothing is
// missing. The cache
// never asks for the rest by itself: an origin that ignores If-Range would leave the
// client without an answer.

// partKey is the key under which a part is stored. No other part of a key begins as it does,
// so that it is no other response's.
func partKey(key string) string { return key + " part" }

// asksForPart reports whether a request wants ranges, and makes no condition that is only
// for the origin.
func (in interest) asksForPart(r *http.Request) bool {
	return in&hasRange != 0 && in&hasPrecondition == 0 && r.Method == http.MethodGet && len(r.Header["Range"]) == 1
}

// lookupPart finds the stored part of a response, if the request may be given it as far
// as its selecting fields say.
func (c *Cache) lookupPart(ctx context.Context, p *rules, key string, h http.Header, host string) (part *store.Entry, verdict marks.Verdict) {
	name := partKey(key)
	e := c.get(ctx, []byte(name))
	if e == nil || !e.KeyIs([]byte(name)) || e.Kind() != store.KindResponse || e.Status() != http.StatusPartialContent {
		return nil, 0
	}
	verdict = c.marks.Entry(e, c.clock())
	c.keys.Update(maphash.String(c.seed, key), func(s *keystate.State) { s.Part = c.partTag(e) })
	if verdict == marks.Hard || !e.SelectedIs(p.appendSelected(nil, e.Vary(), h, host)) {
		return nil, 0
	}
	return e, verdict
}

// servePart answers from a stored part. False means that it can't.
func (x *exchange) servePart() bool {
	e := x.found.part
	x.partRefused = "" // of an earlier lookup
	if e == nil || x.found.entry != nil {
		return false
	}
	f := factsOf(e, x.found.verdict, x.now)
	d := decide(true, f, x.wishes, x.p, "")
	part, valid := contentRangeOf(e)
	if d.action != serve || !valid {
		x.partRefused = d.reason
		return false
	}
	ranges, can := x.wantedOfPart(e, part)
	if !can {
		x.partRefused = ReasonPartial
		return false
	}
	x.facts = f
	x.headStored(e, status{hit: true, detail: detailOf(d.reason)}, f.lifetime-f.age, f.age)
	delete(x.w.Header(), "Content-Range")
	if x.status == http.StatusNotModified {
		x.w.WriteHeader(x.status)
	} else {
		x.sendRanges(ranges, content{bytes: e.Body(), from: part.Start, size: part.Size})
	}
	x.report(d.reason, !f.fresh())
	return true
}

// wantedOfPart decides between 304 and 206 with which ranges, in the order of RFC 9110
// §13.2.2. False means that the part doesn't hold what is asked for.
func (x *exchange) wantedOfPart(e *store.Entry, part httpfield.ContentRange) ([]httpfield.Range, bool) {
	etag, _ := e.Field("Etag")
	modified, _ := e.Field("Last-Modified")
	date, _ := e.Field("Date")
	if x.notModified(etag, sinceWhen(modified, date)) {
		x.status = http.StatusNotModified
		return nil, true
	}
	if !x.rangeApplies(etag, modified, date) {
		return nil, false
	}
	ranges, satisfiable, valid := httpfield.ParseRange(x.r.Header["Range"][0], part.Size)
	if !valid || !satisfiable {
		return nil, false // the origin says so better
	}
	for _, r := range ranges {
		if r.Start < part.Start || r.Start+r.Length-1 > part.End {
			return nil, false
		}
	}
	x.status = http.StatusPartialContent
	return ranges, true
}

// detailOf leaves out what "hit" says by itself.
func detailOf(reason Reason) Reason {
	if reason == ReasonHit {
		return ""
	}
	return reason
}

func contentRangeOf(e *store.Entry) (httpfield.ContentRange, bool) {
	text, _ := e.Field("Content-Range")
	c, valid := httpfield.ParseContentRange(text)
	return c, valid && !c.Unsatisfied && c.Size > 0 && c.End-c.Start+1 == int64(e.BodyLen())
}

// partTag is what is remembered of a part that was seen: which representation it is of.
func (c *Cache) partTag(e *store.Entry) uint64 {
	etag, _ := e.Field("Etag")
	return c.tagHash(etag)
}

func (c *Cache) tagHash(etag string) uint64 { return maphash.String(c.seed, etag) | 1 }

// dropPart deletes the stored part, since the page is gone or another one. Where other
// processes use the store, they may have put one there of which this one doesn't know.
func (c *Cache) dropPart(key string, hash uint64) {
	if c.forgetPart(hash) || !c.ownStore {
		c.writes.put(partKey(key), write{})
	}
}

// replacePart deletes the part that this process knows of, since there is a complete response.
func (c *Cache) replacePart(key string, hash uint64) {
	if c.forgetPart(hash) {
		c.writes.put(partKey(key), write{})
	}
}

func (c *Cache) forgetPart(hash uint64) (known bool) {
	c.keys.Update(hash, func(s *keystate.State) { known, s.Part = s.Part != 0, 0 })
	return known
}
