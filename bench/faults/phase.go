// SPDX-License-Identifier: MIT

package main

import (
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// phase is a time in which the origin behaved in one way, with all that came of it.
type phase struct {
	behaviour
	from, to time.Time
	// answers are those to requests for warm keys that began in it.
	answers []holdovertest.Answer
	// cold are those for pages that had never been asked for.
	cold []holdovertest.Answer
	// arrivals are the requests for warm keys that reached the origin.
	arrivals holdovertest.Arrivals
}

// lasted is how long the phase was.
func (p *phase) lasted() time.Duration { return p.to.Sub(p.from) }

// listens reports whether the origin fails and can count what reaches it.
func (p *phase) listens() bool { return p.failing() && !p.refuses }

// settles reports whether requests to a failing origin can be counted after settling.
func (p *phase) settles() bool { return p.listens() && p.lasted() >= settling+counted }

// report sums up the phase. Its staleness leaves out answers that came when the
// origin had already changed.
func (p *phase) report() holdovertest.Report {
	r := holdovertest.NewReport(p.from, lifetime+noise, p.answers)
	inside := holdovertest.NewReport(p.from, lifetime+noise, p.after(0).answers)
	r.Stale, r.Untold, r.LastStale = inside.Stale, inside.Untold, inside.LastStale
	r.Arrivals = len(p.arrivals)
	return r
}

// after returns the part of the phase that begins so long after it, without the
// answers that came when the origin had already changed.
func (p *phase) after(d time.Duration) *phase {
	part := &phase{behaviour: p.behaviour, from: p.from.Add(d), to: p.to}
	for _, a := range p.answers {
		if !a.Begun.Before(part.from) && a.Begun.Add(a.Took).Before(p.to) {
			part.answers = append(part.answers, a)
		}
	}
	part.arrivals = p.arrivals.Between(part.from, p.to)
	return part
}

// asked are the arrivals without those that a client repeated at once, because the origin
// hung up: it does so for each connection that it takes for one that has idled.
func (p *phase) asked() (found holdovertest.Arrivals) {
	if !p.hangsUp {
		return p.arrivals
	}
	last := map[string]time.Time{} // that counted
	for _, a := range p.arrivals {
		if first, again := last[a.Path]; again && a.At.Sub(first) < repeated {
			continue
		}
		last[a.Path] = a.At
		found = append(found, a)
	}
	return found
}

// repeated is how soon clients are done with repeating a request.
const repeated = 100 * time.Millisecond

// sameKey returns the shortest time between two arrivals for one page.
func (p *phase) sameKey() time.Duration {
	shortest := p.lasted()
	for _, list := range p.asked().ByURL() {
		for i, a := range list[1:] {
			shortest = min(shortest, a.At.Sub(list[i].At))
		}
	}
	return shortest
}
