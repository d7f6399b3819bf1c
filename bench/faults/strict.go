// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"time"
)

// strictPromises are more that Holdover keeps, which say something about caches
// that speak Cache-Status (RFC 9211) and treat each page's failures by themselves.
var strictPromises = []func(limits, []phase) verdict{told, apart, trickles, healed}

// mostProbes is how many requests a second Holdover lets through at most, however
// many pages there are.
const mostProbes = 10

func (l limits) probes() float64 { return min(l.trickle(), mostProbes) }

// told: what is stale says so.
func told(_ limits, phases []phase) verdict {
	v := verdict{name: "told", promise: "stale answers say so"}
	measured := false
	for _, p := range phases {
		for _, a := range p.answers {
			old := a.Age() > lifetime+noise
			measured = measured || old
			if old && !a.SaysStale() {
				v.miss("%s: %v old, and says %q", p.name, a.Age(), a.CacheStatus)
			}
		}
	}
	v.judgedIf(measured, "no answer was stale")
	return v
}

// apart: one request for each page and second.
func apart(_ limits, phases []phase) verdict {
	v := verdict{name: "once a second", promise: "a failing origin is asked for each page once a second at most"}
	measured := false
	for _, p := range phases {
		if !p.listens() {
			continue
		}
		measured = true
		if gap := p.sameKey(); gap < time.Second-noise {
			v.miss("%s: the same page again after %v", p.name, gap)
		}
	}
	v.judgedIf(measured, "no failing origin listened")
	return v
}

// trickles: in windows of any length, not only on average.
func trickles(l limits, phases []phase) verdict {
	v := verdict{name: "trickle", promise: fmt.Sprintf("a failing origin gets at most %.3g requests a second in any window, after %v", l.probes(), settling)}
	measured := false
	for _, p := range phases {
		if !p.settles() {
			continue
		}
		measured = true
		if over := p.after(settling).asked().Excess(l.probes(), 1); over > l.probes()*noise.Seconds() {
			v.miss("%s: %.1f too many", p.name, over)
		}
	}
	v.judgedIf(measured, tooShort)
	return v
}

// healed: as soon as the next probe was due, everything is fresh again. A machine
// that stands still may make single answers stale. Three failures in a row make the
// origin count as failing; of a single page, which fails at most once a second, there
// may have been two, after which it rests 2 s ± 10 %.
func healed(l limits, phases []phase) verdict {
	due := time.Duration(float64(time.Second)/l.probes()) + noise
	if l.keys == 1 {
		due = 2200*time.Millisecond + noise
	}
	v := verdict{name: "healed", promise: fmt.Sprintf("everything is fresh again %v after the origin has healed", due)}
	measured := false
	for _, p := range phases {
		if p.failing() {
			continue
		}
		back := p.after(due)
		measured = measured || len(back.answers) > 0
		if stale := back.report().Stale; stale > 0 && float64(stale) >= l.staleShare*float64(len(back.answers)) {
			v.miss("%d of %d answers stale", stale, len(back.answers))
		}
	}
	v.judgedIf(measured, "no healthy phase was longer than that")
	return v
}
