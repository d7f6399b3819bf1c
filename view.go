// SPDX-License-Identifier: MIT

package holdover

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// view is what a hit needs of an entry, decoded once and kept in the entry's slot.
type view struct {
	fields []store.Field // to be sent, without Age
	length []string      // of the body, for HEAD
	tagged bool          // there is an ETag
	stamp  atomic.Pointer[stamp]
}

// varyView is the same for a vary record.
type varyView struct {
	names      []string
	generation string // of the keys of its variants
	memos      memos
}

// stamp is what changes from second to second: it holds between two instants,
// for one policy and one state of the marks. While it holds, the entry is fresh.
type stamp struct {
	from, until int64 // Unix nanoseconds
	rules       *rules
	position    uint64 // of the marks
	forAll      bool   // also for requests with credentials
	age         [1]string
	status      [1]string
}

// viewOf returns the entry's view and makes it on the first hit.
func viewOf(e *store.Entry) *view {
	if v, ok := e.View().(*view); ok {
		return v
	}
	v := &view{fields: e.Fields(), length: []string{strconv.Itoa(e.BodyLen())}}
	if !slices.ContainsFunc(v.fields, func(f store.Field) bool { return f.Name == "Content-Type" }) {
		// Nothing was sent, and nothing must be made up from the bytes (net/http's way
		// to say so).
		v.fields = append(v.fields, store.Field{Name: "Content-Type"})
	}
	v.tagged = slices.ContainsFunc(v.fields, func(f store.Field) bool { return f.Name == "Etag" })
	e.SetView(v)
	return v
}

func varyViewOf(e *store.Entry) *varyView {
	if v, ok := e.View().(*varyView); ok {
		return v
	}
	v := &varyView{names: e.Vary(), generation: generationText(e.Generation())}
	e.SetView(v)
	return v
}

// varyNames returns the selecting fields of a vary record.
func varyNames(e *store.Entry) []string { return varyViewOf(e).names }

// holds reports whether the stamp still says the truth.
func (s *stamp) holds(now int64, p *rules, position uint64) bool {
	return s != nil && now >= s.from && now < s.until && s.rules == p && s.position == position
}

// restamp renews the stamp of a fresh entry; nil if it isn't simply fresh.
func (c *Cache) restamp(e *store.Entry, v *view, p *rules, now int64) *stamp {
	position := c.marks.Position()
	verdict := c.marks.Entry(e, now)
	f := factsOf(e, verdict, now)
	if verdict != marks.Unpurged || !f.fresh() || f.has(store.NoCache) || f.has(store.Failed) && p.answersFailures() || f.has(store.SetsCookie) && p.setCookie != StoreSetCookie {
		return nil
	}
	if p.mayBeEarly(f.lifetime-f.age, costOf(e)) {
		return nil
	}
	second := int64(f.age / time.Second)
	s := &stamp{rules: p, position: position, forAll: p.forAll(f.source)}
	// The age reaches the next whole second, or the lifetime, at a known instant.
	s.from = now - int64(f.age-time.Duration(second)*time.Second)
	s.until = min(s.from+int64(time.Second), now+int64(min(f.lifetime-f.age, time.Second)))
	s.until = min(s.until, now+max(int64(min(c.marks.VouchedFor(e, now), time.Second)), 1))
	if freshness.CurrentAge(e.InitialAge(), e.ResponseTime(), s.from) < f.age-time.Second {
		s.from = now
	}
	var buf [64]byte
	b := strconv.AppendInt(buf[:0], second, 10)
	n := len(b)
	b = appendHit(b, f.lifetime-f.age)
	text := string(b)
	s.age[0], s.status[0] = text[:n], text[n:]
	v.stamp.Store(s)
	return s
}
