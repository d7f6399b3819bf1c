// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/keystate"
)

// learn remembers what the header tells about the key.
func (f *fetch) learn(j *judgement, h http.Header) {
	if f.asked.method == http.MethodHead || f.asked.noStore {
		return // tells nothing about what others get
	}
	f.learnDenial(j)
	if j.outcome < failed {
		f.learnTime(j, f.took())
	}
	now := f.c.now()
	f.c.keys.Update(f.hash, func(s *keystate.State) {
		if j.outcome < failed {
			if f.c.denialKey(f.p, &f.asked, f.hash, f.who) == f.hash {
				s.Denied = j.outcome == denied
			}
			s.Stored, s.Refused = j.storing(), string(j.refused)
			s.Doubted = !j.storing() && !j.freshened && f.p.ends(j.draft.Status) != ""
		}
		if f.tells(j.shareable) {
			if n := contentLength(h); n > 0 && j.outcome < failed {
				s.LastSize = n
			}
			if len(j.varyNames) > 0 {
				s.VaryHint = j.varyNames
			}
		}
		if f.tells(j.shareable) {
			s.Repeat(j.draft.Status, f.p.Freshness.StatusTTL[j.draft.Status].Growth > 1)
		}
		switch {
		case j.outcome >= failed: // says nothing about the page
		case j.shareable:
			s.Shareable(f.class, j.draft.Lifetime, now)
		case j.outcome == denied && s.Shared(f.class, now): // credentials that anybody can make up
		default:
			s.NotShareable(f.class, s.Shared(f.class, now) && !f.apart && f.c.another(f.hash, f.who, now), now)
		}
	})
}

// learnDenial remembers for an asker with credentials whether he was let in. Nobody's bad ones
// count for others.
func (f *fetch) learnDenial(j *judgement) {
	key := f.c.denialKey(f.p, &f.asked, f.hash, f.who)
	if key != f.hash && j.outcome < failed && f.p.Outcome == AllowAll {
		f.c.keys.Update(key, func(s *keystate.State) { s.Denied = j.outcome == denied })
	}
}

// denialKey is where it is noted whether an asker was let in: under the page, or where the key
// doesn't hold what he is known by, under that. Who has a token is known by it alone.
func (c *Cache) denialKey(p *rules, a *asked, hash, who uint64) uint64 {
	switch {
	case p.keysCredentials():
		return hash
	case a.authorization:
		return hash ^ c.hashOf(a.header["Authorization"])
	case a.cookie:
		return hash ^ who
	}
	return hash
}

// learnTime notes how long it took until something was known of a response that won't be stored:
// whoever waits for it may have left before it is complete, and it is given up then. One
// user's pages say nothing of how long those of others take.
func (f *fetch) learnTime(j *judgement, took time.Duration) {
	key := f.hash
	switch {
	case f.asked.method == http.MethodHead || f.asked.noStore || j.storing() || j.freshened:
		return
	case !f.tells(j.shareable):
		key ^= f.who
	}
	f.c.keys.Update(key, func(s *keystate.State) { s.TookAtLeast(max(took, 1)) })
}

// tells reports whether a response says something about what others get: not if it belongs
// to one user's credentials.
func (f *fetch) tells(shareable bool) bool { return shareable || f.class == keystate.ClassNone }

// repeats returns how often in a row the key had that status before.
func (f *fetch) repeats(status int) uint8 {
	if f.p.Freshness.StatusTTL[status].Growth <= 1 {
		return 0
	}
	s, _ := f.c.keys.Get(f.hash)
	if s.Repeated != status {
		return 0
	}
	return s.Repeats
}
