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
	for _, p := range phases {
		for _, a := range p.answers {
			if a.Age() > lifetime+noise && !a.SaysStale() {
				v.miss("%s: %v old, and says %q", p.name, a.Age(), a.CacheStatus)
			}
		}
	}
	return v
}

// apart: one request for each page and second.
func apart(_ limits, phases []phase) verdict {
	v := verdict{name: "once a second", promise: "a failing origin is asked for each page once a second at most"}
	for _, p := range phases {
		if gap := p.sameKey(); p.failing() && gap < time.Second-noise {
			v.miss("%s: the same page again after %v", p.name, gap)
		}
	}
	return v
}

// trickles: in windows of any length, not only on average.
func trickles(l limits, phases []phase) verdict {
	v := verdict{name: "trickle", promise: fmt.Sprintf("a failing origin gets at most %.3g requests a second in any window, after %v", l.probes(), settling)}
	for _, p := range phases {
		if !p.failing() {
			continue
		}
		if over := p.after(settling).asked().Excess(l.probes(), 1); over > l.probes()*noise.Seconds() {
			v.miss("%s: %.1f too many", p.name, over)
		}
	}
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
	for _, p := range phases {
		if p.failing() {
			continue
		}
		back := p.after(due)
		if stale := back.report().Stale; stale > 0 && float64(stale) >= l.staleShare*float64(len(back.answers)) {
			v.miss("%d of %d answers stale", stale, len(back.answers))
		}
	}
	return v
}
