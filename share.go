// SPDX-License-Identifier: MIT

package holdover

import (
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// mayShare tests a waiter as if the response lay in the store: RFC 9111 §4.
func (x *exchange) mayShare(f *fetch, j *judgement) (share, regroup bool) {
	if !j.shareable {
		return false, false
	}
	if j.outcome >= failed && !j.storing() {
		return !x.wishes.credentials, false
	}
	d := &j.draft
	strangers := x.wishes.credentials && !(facts{source: d.LifetimeFrom}).originsOwn()
	_, authorization := x.r.Header["Authorization"]
	guarded := authorization && !x.p.keysAuthority && d.Flags&(store.Public|store.MustRevalidate|store.SMaxAge) == 0
	age := d.InitialAge
	switch {
	case strangers || guarded || x.wishes.cc.NoCache:
		return false, false
	case x.wishes.cc.MaxAge >= 0 && age > x.wishes.cc.MaxAge:
		return false, false
	case x.wishes.cc.MinFresh >= 0 && d.Lifetime-age < x.wishes.cc.MinFresh:
		return false, false
	case x.c.purged(d):
		return false, false
	}
	if len(j.varyNames) > 0 {
		mine := httpfield.AppendSelected(nil, j.varyNames, x.r.Header, x.r.Host)
		if string(mine) != j.selected {
			return false, true
		}
	}
	return true, false
}

// purged reports whether a mark hit a response that isn't stored yet.
func (c *Cache) purged(d *store.Response) bool {
	asOf := d.AsOf[0].Seq
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
