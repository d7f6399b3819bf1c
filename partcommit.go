// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// ranged is the response to a request for ranges on its way straight through: a part, or
// all of it where the origin ignores Range.
type ranged struct {
	f       *fetch
	keeping *keeping
	j       *judgement
	part    httpfield.ContentRange
	// joinsOnly: the request had If-Range, so that a 206 needn't have the fields that its
	// client knows already (RFC 9110 §15.3.7). It is no part by itself.
	joinsOnly bool
}

// keepRanged prepares to store the response.
func (x *exchange) keepRanged() *ranged {
	g := &ranged{f: &fetch{
		c: x.c, p: x.p, scope: x.scope, found: x.found, key: x.key, hash: x.hash, class: x.class,
		path: pathOf(x.r), asOf: x.c.marks.AsOf(),
	}}
	kept := x.r.WithContext(x.r.Context()) // the handler may edit its request
	kept.Header = x.r.Header.Clone()
	_, g.joinsOnly = kept.Header["If-Range"]
	g.f.asked = x.p.asked(kept, x.key)
	a := &g.f.asked
	a.host, a.target, a.urlHash = x.host, x.target, x.urlHash
	a.noStore, a.asOf, a.partial = x.wishes.cc.NoStore, g.f.asOf, true
	g.keeping = x.c.keep(x.p, x.w, x.urlHash, g.judge)
	a.started = g.keeping.started
	return g
}

func (g *ranged) judge(code int, h http.Header) bool {
	switch code {
	case http.StatusOK:
	case http.StatusPartialContent:
		var valid bool
		if g.part, valid = partOf(h); !valid {
			return false
		}
	default:
		return false
	}
	c := g.f.c
	g.j = c.judge(g.f.p, &g.f.asked, code, h, nil, c.clock())
	if !g.j.storing() {
		g.refused(g.j.refused)
	}
	return g.j.storing()
}

// partOf reads which part of a response a 206 is: a single one of a known size, with a type
// of its own, as one that is taken from the bytes of a part would be wrong.
func partOf(h http.Header) (httpfield.ContentRange, bool) {
	lines, kind := h["Content-Range"], h.Get("Content-Type")
	if len(lines) != 1 || kind == "" || strings.HasPrefix(strings.ToLower(kind), "multipart/byteranges") {
		return httpfield.ContentRange{}, false // or several parts (RFC 9110 §15.3.7.2)
	}
	part, valid := httpfield.ParseContentRange(lines[0])
	return part, valid && !part.Unsatisfied && part.Size > 0
}

func (g *ranged) refused(why Reason) {
	g.f.emit(Event{Kind: EventRefused, Reason: why})
}

// store stores what came, after the handler has returned.
func (g *ranged) store() {
	if !g.keeping.active() || g.f.c.closed.Load() {
		return
	}
	result, whole := g.keeping.result()
	size := int64(len(result.Body))
	switch {
	case !whole:
		g.refused(g.keeping.missing())
	case g.j.draft.Status == http.StatusOK:
		g.f.raced.Store(true) // others may have landed: this one held no place in the row
		if g.keeping.sniffed {
			g.j.draft.Flags |= store.Sniffed
		}
		g.f.commitWhole(g.j, result)
	case g.part.End-g.part.Start+1 != size:
		g.refused(ReasonTruncated) // it isn't what it says
	default:
		g.f.commitPart(g.j, piece{part: g.part, body: result.Body, header: result.Header}, g.joinsOnly)
	}
}

// A stored part is written again for what adds less than one part in eight of it, and less
// than 64 KiB, at most once a second: clients who ask byte by byte would else have
// it written for each byte.
const (
	fewTimes = 8
	fewBytes = 64 << 10
)

// littleNew reports whether a part that is to take the place of a stored one says hardly more.
func littleNew(old *store.Entry, both piece, j *judgement) bool {
	gain := len(both.body) - old.BodyLen()
	few := gain < old.BodyLen()/fewTimes && gain < fewBytes && int64(len(both.body)) < both.part.Size
	now := j.draft.ResponseTime
	return few && now-old.ResponseTime() < int64(time.Second) && factsOf(old, marks.Unpurged, now).fresh() && sameFields(old, both.header)
}

// commitPart stores a part, together with the one that is stored if they fit.
func (f *fetch) commitPart(j *judgement, p piece, joinsOnly bool) {
	old, verdict := f.storedPart()
	if old != nil && old.RequestTime() > j.draft.RequestTime {
		return // the most recent response counts (RFC 9110 §15.3.7.3)
	}
	asOf, joined := j.draft.AsOf, false
	if old != nil && verdict == marks.Unpurged {
		switch both, all, fit := f.combined(j, p, old); {
		case !fit:
		case littleNew(old, all, both):
			return
		default:
			j, p, asOf, joined = both, all, olderOf(old, asOf), true
		}
	}
	if joinsOnly && !joined {
		return
	}
	if f.c.purged(&j.draft) {
		f.emit(Event{Kind: EventRefused, Reason: ReasonPurged, Status: j.draft.Status})
		return
	}
	switch j.draft.AsOf = asOf; {
	case int64(len(p.body)) == p.part.Size:
		f.commitComplete(j, p)
	default:
		// What contains the one that stands takes its place, though both were asked for at once.
		again, _ := f.storedPart()
		f.writePart(j, p, write{newer: !joined || again != old || !store.IsLocal(f.c.store)})
	}
}

// storedPart looks again where that costs nothing, as another request may have stored a
// part meanwhile. The client shouldn't wait for a store twice.
func (f *fetch) storedPart() (part *store.Entry, verdict marks.Verdict) {
	if store.IsLocal(f.c.store) {
		return f.c.lookupPart(context.Background(), f.p, f.key, f.asked.header, f.asked.host)
	}
	if f.found.part == nil {
		return nil, 0
	}
	if verdict = f.c.marks.Entry(f.found.part, f.c.clock()); verdict == marks.Hard {
		return nil, 0
	}
	return f.found.part, verdict
}

// combined returns the stored part and the new one as one, judged by the fields that they
// have together. False means that the new one stands alone.
func (f *fetch) combined(j *judgement, p piece, old *store.Entry) (*judgement, piece, bool) {
	both, fit := combine(old, p, f.p.maxBody)
	if !fit {
		return j, p, false
	}
	again := f.c.judge(f.p, &f.asked, http.StatusPartialContent, both.header, nil, j.draft.ResponseTime)
	return again, both, again.storing()
}

// writePart stores a part as one.
func (f *fetch) writePart(j *judgement, p piece, w write) {
	d := j.draft
	d.Key, d.Vary, d.Selected, d.Body = partKey(f.key), j.varyNames, j.selected, p.body
	p.header["Content-Range"] = []string{contentRange(httpfield.Range{Start: p.part.Start, Length: int64(len(p.body))}, p.part.Size)}
	d.Fields = f.p.storedFields(p.header, j.cc, len(p.body), d.Status)
	e, err := store.New(d)
	if err != nil {
		f.emit(Event{Kind: EventRefused, Reason: ReasonUnstorable, Status: d.Status, Err: err})
		return
	}
	f.c.keys.Update(f.hash, func(s *keystate.State) { s.Part = f.c.partTag(e) })
	w.entry = e
	f.c.writes.put(d.Key, w)
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
