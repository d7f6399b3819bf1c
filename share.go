// SPDX-License-Identifier: MIT

package holdover

import (
	"time"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/store"
)

// sharing is what a waiter does with a response that another request's fetch brought.
type sharing uint8

const (
	alone    sharing = iota // it is not for this request: run on its own
	unshared                // it is for nobody else, perhaps because of who asked
	regroup                 // another variant: look again, with what selects among them
	again                   // purged meanwhile: look again
	share
)

// sharing tests a waiter as if the response lay in the store: RFC 9111 §4.
func (x *exchange) sharing(j *judgement, f *fetch) sharing {
	d := &j.draft
	switch {
	case j.outcome >= failed && !j.storing() && x.who != 0 && x.who == f.who:
		return share
	case !j.shareable:
		return unshared
	case j.outcome >= failed && !j.storing():
		if x.wishes.credentials {
			return alone
		}
		return share
	case x.c.purged(d):
		return again
	case !x.contentWith(d):
		return alone
	}
	if len(j.varyNames) > 0 {
		mine := x.p.appendSelected(nil, j.varyNames, x.r.Header, x.r.Host)
		if string(mine) != j.selected {
			return regroup
		}
	}
	return share
}

// another notes who got a page for himself alone, and reports whether it is another one than
// before. Without credentials everybody is.
func (c *Cache) another(hash, who uint64, now int64) bool {
	return who == 0 || c.own.Note(hash^who, now)
}

// asksApart reports whether a request is passed on because of what it says itself, though there
// are responses that others get: it may not have the stored one, names another variant than
// anybody before, or leaves nothing behind. Whoever invents credentials as well can do that as
// often as he likes, so it tells nothing of what others could share.
func (x *exchange) asksApart() bool {
	newVariant := x.found.record != nil && x.found.entry == nil
	return x.wishes.cc.NoStore || newVariant || x.copyStands() && !x.hasCopy()
}

// maxApart is how often a request gathers with others anew after a response that was for
// somebody alone.
const maxApart = 2

// mayShare reports whether a request may wait for another's: nothing that was learned of the
// key and of these credentials stands against it.
func (x *exchange) mayShare() bool {
	return x.learned.MayShare(x.class, x.now) && (x.who == 0 || !x.c.own.Has(x.hash^x.who, x.c.clock()))
}

// gathersAnew reports whether a request that waited for a response for nobody else may still
// share one with others: the fetch had credentials of another class, or they are another's
// in a class of which others could share. So who has a page of his own can't, by asking
// first, make the origin answer once for each of those who came after him.
func (x *exchange) gathersAnew(f *fetch) bool {
	another := f.class != x.class || f.who != x.who && x.learned.Shared(x.class, x.now)
	return another && x.comesApart()
}

// comesApart counts how often a request gathers anew.
func (x *exchange) comesApart() bool {
	if x.apart == maxApart {
		return false
	}
	x.apart++
	return true
}

// mayFareBetter reports whether the origin may have failed for another's credentials alone.
func (x *exchange) mayFareBetter(f *fetch, j *judgement) bool {
	his := (f.asked.authorization || f.asked.cookie) && f.who != x.who
	return his && (j.fault == ReasonErrorStatus || j.fault == ReasonThrottled)
}

// contentWith reports whether identity and directives of the request allow the response.
func (x *exchange) contentWith(d *store.Response) bool {
	strangers := x.wishes.credentials && !x.p.forAll(d.LifetimeFrom)
	explicit := d.Flags&(store.Public|store.MustRevalidate|store.SMaxAge) != 0
	guarded := x.in&hasAuthorization != 0 && !x.p.keysAuthority && !explicit // RFC 9111 §3.5
	cc := x.wishes.cc
	switch {
	case strangers || guarded || cc.NoCache:
		return false
	case d.Flags&store.SetsCookie != 0 && x.p.setCookie != StoreSetCookie: // a fetch under another policy
		return false
	case cc.MaxAge != cachecontrol.Absent && x.ageFor(d) > cc.MaxAge:
		return false
	case cc.MinFresh != cachecontrol.Absent && d.Lifetime-d.InitialAge < cc.MinFresh:
		return false
	}
	return true
}

// ageFor is how old a response is that a request has waited for, in whole seconds (RFC 9111 §1.2.2).
// Of the time that it was on its way, what the request has waited doesn't count, as it wouldn't
// had it made the fetch itself.
func (x *exchange) ageFor(d *store.Response) time.Duration {
	began := x.began.UnixNano()
	waited := max(d.ResponseTime-max(began, d.RequestTime), 0)
	return (d.InitialAge - time.Duration(waited) + time.Duration(max(began-d.ResponseTime, 0))).Truncate(time.Second)
}

// purged reports whether a mark hit a response that isn't stored yet.
func (c *Cache) purged(d *store.Response) bool {
	asOf := c.marks.Own(d.AsOf)
	if asOf >= c.marks.Position() {
		return false
	}
	if hard, soft := c.marks.Purged(d.URLHash, asOf); hard || soft {
		return true
	}
	for _, tag := range d.Tags {
		if hard, soft := c.marks.Purged(tag.Hash, asOf); hard || soft {
			return true
		}
	}
	return false
}
