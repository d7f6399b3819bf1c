// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/store"
)

// Of a response that came in parts (206), one contiguous part is stored, under a key of
// its own: it answers requests for ranges within it, and nothing else (RFC 9111 §3.3).
// It grows by what further requests bring, if a strong validator says that it is of the
// same bytes (§3.4), and becomes a complete response when nothing is missing. The cache
// never asks for the rest by itself: an origin that ignores If-Range would leave the
// client without an answer.

// partKey is the key under which a part is stored. No part of a key begins with a
// letter, so that it is no other response's.
func partKey(key string) string { return key + " part" }

// asksForPart reports whether a request wants ranges, and makes no other condition.
func (in interest) asksForPart(r *http.Request) bool {
	const conditions = hasCondition | hasPrecondition
	return in&hasRange != 0 && in&conditions == 0 && r.Method == http.MethodGet && len(r.Header["Range"]) == 1
}

// lookupPart finds the stored part of a response, if the request may be given it as far
// as its selecting fields say.
func (c *Cache) lookupPart(ctx context.Context, p *rules, key string, h http.Header, host string) (part *store.Entry, soft bool) {
	name := partKey(key)
	e := c.get(ctx, []byte(name))
	if e == nil || !e.KeyIs([]byte(name)) || e.Kind() != store.KindResponse || e.Status() != http.StatusPartialContent {
		return nil, false
	}
	hard, soft := c.marks.Entry(e)
	if hard || !e.SelectedIs(p.appendSelected(nil, e.Vary(), h, host)) {
		return nil, false
	}
	return e, soft
}

// servePart answers from a stored part. False means that it can't.
func (x *exchange) servePart() bool {
	e := x.found.part
	if e == nil || x.found.entry != nil {
		return false
	}
	f := factsOf(e, x.found.soft, x.now)
	d := decide(true, f, x.wishes, x.p, "")
	part, valid := contentRangeOf(e)
	etag, _ := e.Field("Etag")
	modified, _ := e.Field("Last-Modified")
	date, _ := e.Field("Date")
	if d.action != serve || !valid || !x.rangeApplies(etag, modified, date) {
		return false
	}
	ranges, satisfiable, valid := httpfield.ParseRange(x.r.Header["Range"][0], part.Size)
	if !valid || !satisfiable {
		return false // the origin says so better
	}
	for _, r := range ranges {
		if r.Start < part.Start || r.Start+r.Length-1 > part.End {
			return false
		}
	}
	x.facts, x.status = f, http.StatusPartialContent
	x.headStored(e, status{hit: true, detail: detailOf(d.reason)}, f.lifetime-f.age, f.age)
	delete(x.w.Header(), "Content-Range")
	x.sendRanges(ranges, content{bytes: e.Body(), from: part.Start, size: part.Size})
	x.report(d.reason, !f.fresh())
	return true
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

// keepRanged prepares to store what a request for ranges brings, while it goes straight
// through: a part, or all of it where the origin ignores Range.
func (x *exchange) keepRanged() *ranged {
	g := &ranged{x: x, f: &fetch{
		c: x.c, p: x.p, scope: x.scope, found: x.found, key: x.key, hash: x.hash, class: x.class,
		path: pathOf(x.r), asOf: x.c.marks.Position(),
	}}
	kept := x.r.WithContext(x.r.Context()) // the handler may edit its request
	kept.Header = x.r.Header.Clone()
	g.f.asked = x.p.asked(kept, x.key)
	a := &g.f.asked
	a.host, a.target, a.urlHash = x.host, x.target, x.urlHash
	a.noStore, a.asOf, a.partial = x.wishes.cc.NoStore, g.f.asOf, true
	g.keeping = x.c.keep(x.p, x.w, x.urlHash, g.judge)
	a.started = g.keeping.started
	return g
}

// ranged is the response to a request for ranges on its way.
type ranged struct {
	x       *exchange
	f       *fetch
	keeping *keeping
	j       *judgement
	part    httpfield.ContentRange
}

func (g *ranged) judge(code int, h http.Header) bool {
	switch code {
	case http.StatusOK:
	case http.StatusPartialContent:
		lines := h["Content-Range"]
		if len(lines) != 1 || isMultipart(h) {
			return false // several parts (RFC 9110 §15.3.7.2)
		}
		var valid bool
		if g.part, valid = httpfield.ParseContentRange(lines[0]); !valid || g.part.Unsatisfied || g.part.Size <= 0 {
			return false
		}
	default:
		return false
	}
	c := g.f.c
	g.j = c.judge(g.f.p, &g.f.asked, code, h, nil, c.clock())
	return g.j.storing()
}

// store stores what came, after the handler has returned.
func (g *ranged) store() {
	result, whole := g.keeping.result()
	switch {
	case !whole:
	case g.j.draft.Status == http.StatusOK:
		g.f.raced.Store(true) // others may have landed: this one held no place in the row
		g.f.commitWhole(g.j, result)
	case g.part.End-g.part.Start+1 == int64(len(result.Body)): // else it isn't what it says
		g.f.commitPart(g.j, piece{part: g.part, body: result.Body, header: result.Header})
	}
}

// piece is a part of a response with its header.
type piece struct {
	part   httpfield.ContentRange
	body   []byte
	header http.Header
}

// commitPart stores a part, together with the one that is stored if they fit.
func (f *fetch) commitPart(j *judgement, p piece) {
	ctx, cancel := context.WithTimeout(context.Background(), f.c.cfg.StoreTimeout)
	defer cancel()
	old, soft := f.c.lookupPart(ctx, f.p, f.key, f.asked.header, f.asked.host)
	if old != nil && old.RequestTime() > j.draft.RequestTime {
		return // the most recent response counts (RFC 9110 §15.3.7.3)
	}
	asOf := j.draft.AsOf
	if old != nil && !soft {
		if both, all, fit := f.combined(j, p, old); fit {
			j, p, asOf = both, all, olderOf(old, asOf)
		}
	}
	if f.c.purged(&j.draft) {
		return
	}
	switch j.draft.AsOf = asOf; {
	case int64(len(p.body)) == p.part.Size:
		f.commitComplete(j, p)
	default:
		f.writePart(j, p)
	}
}

// combined returns the stored part and the new one as one, judged by the fields that they
// have together. False means that the new one stands alone.
func (f *fetch) combined(j *judgement, p piece, old *store.Entry) (*judgement, piece, bool) {
	both, fit := combine(old, p)
	if !fit || int64(len(both.body)) > f.p.maxBody {
		return j, p, false
	}
	again := f.c.judge(f.p, &f.asked, http.StatusPartialContent, both.header, nil, j.draft.ResponseTime)
	return again, both, again.storing()
}

// writePart stores a part as one.
func (f *fetch) writePart(j *judgement, p piece) {
	d := j.draft
	d.Key, d.Vary, d.Selected, d.Body = partKey(f.key), j.varyNames, j.selected, p.body
	p.header["Content-Range"] = []string{contentRange(httpfield.Range{Start: p.part.Start, Length: int64(len(p.body))}, p.part.Size)}
	d.Fields = f.p.storedFields(p.header, j.cc, len(p.body), d.Status)
	e, err := store.New(d)
	if err != nil {
		f.emit(Event{Kind: EventRefused, Reason: ReasonUnstorable, Status: d.Status, Err: err})
		return
	}
	f.c.keys.Update(f.hash, func(s *keystate.State) { s.Part = true })
	f.c.writes.put(d.Key, write{entry: e})
	f.emit(Event{Kind: EventStored, Reason: ReasonPartial, Status: d.Status})
}

// commitComplete stores as a complete response what has no more gaps.
func (f *fetch) commitComplete(j *judgement, p piece) {
	j.draft.Status = http.StatusOK
	delete(p.header, "Content-Range")
	p.header["Content-Length"] = []string{strconv.Itoa(len(p.body))}
	f.raced.Store(true) // this one held no place in the row
	f.commitWhole(j, flight.Result{Body: p.body, Header: p.header})
}

// combine joins a new part with the one that is stored (RFC 9111 §3.4, RFC 9110 §15.3.7.3):
// both must have the same strong entity-tag, nothing may be missing between them, and
// where they overlap they must agree. The new header counts.
func combine(old *store.Entry, p piece) (piece, bool) {
	was, valid := contentRangeOf(old)
	if !valid || was.Size != p.part.Size || !sameBytes(old, p.header) {
		return p, false
	}
	first, second := piece{part: was, body: old.Body()}, p
	if second.part.Start < first.part.Start {
		first, second = second, first
	}
	overlap := first.part.End + 1 - second.part.Start
	if overlap < 0 {
		return p, false
	}
	overlap = min(overlap, int64(len(second.body)))
	at := second.part.Start - first.part.Start
	if !bytes.Equal(first.body[at:at+overlap], second.body[:overlap]) {
		return p, false
	}
	both := piece{part: first.part, header: combinedHeader(old, p.header)}
	both.part.End = max(first.part.End, second.part.End)
	both.body = append(bytes.Clone(first.body), second.body[overlap:]...)
	return both, true
}

// combinedHeader is the stored header with the fields of the new one in it.
func combinedHeader(old *store.Entry, h http.Header) http.Header {
	all := http.Header{}
	for _, f := range old.Fields() {
		all[f.Name] = f.Values
	}
	maps.Copy(all, h)
	if _, aged := h["Age"]; !aged {
		delete(all, "Age")
	}
	return all
}

// olderOf returns the purges that both a stored part and a new one know.
func olderOf(e *store.Entry, asOf []store.Position) []store.Position {
	list := make([]store.Position, e.NumAsOf())
	for i := range list {
		list[i] = e.AsOf(i)
		for _, p := range asOf {
			if p.Epoch == list[i].Epoch {
				list[i].Seq = min(list[i].Seq, p.Seq)
			}
		}
	}
	return list
}

// dropPart deletes the stored part, where this process knows of one, since a complete
// response was stored or the page is gone.
func (c *Cache) dropPart(key string, hash uint64) {
	had := false
	c.keys.Update(hash, func(s *keystate.State) { had, s.Part = s.Part, false })
	if had {
		c.writes.put(partKey(key), write{})
	}
}

// isMultipart reports whether a body holds several parts.
func isMultipart(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "multipart/byteranges")
}
