// SPDX-License-Identifier: MIT

package outage_test

import (
	"slices"
	"testing"
	"time"
)

// phase is a time in which the origin behaved in one way.
type phase struct {
	mode     mode
	from, to time.Time
	answers  []answer
	arrivals []arrival
}

// failing reports whether the origin failed.
func (p *phase) failing() bool { return p.mode != healthy }

// failures returns the answers that weren't right, whole and in time.
func (p *phase) failures() (found []answer) {
	for _, a := range p.answers {
		if a.err != nil {
			found = append(found, a)
		}
	}
	return found
}

// stale counts the answers that called themselves stale, and those whose version
// was older than the lifetime when the request began, with some time for its way.
func (p *phase) stale() (byStatus, byVersion int) {
	const way = 100 * time.Millisecond
	for _, a := range p.answers {
		if a.stale {
			byStatus++
		}
		if a.begun.Sub(a.made) > lifetime+way {
			byVersion++
		}
	}
	return byStatus, byVersion
}

// recovered returns how long after the phase began the last stale request began.
func (p *phase) recovered() (after time.Duration) {
	for _, a := range p.answers {
		if a.stale {
			after = max(after, a.begun.Sub(p.from))
		}
	}
	return after
}

// quantile returns the time within which a share of the answers came.
func (p *phase) quantile(share float64) time.Duration {
	var times []time.Duration
	for _, a := range p.answers {
		times = append(times, a.took)
	}
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(share*float64(len(times)-1))]
}

// settled returns the arrivals after the first seconds of the phase.
func (p *phase) settled(after time.Duration) []arrival {
	i := slices.IndexFunc(p.arrivals, func(a arrival) bool { return a.at.Sub(p.from) >= after })
	if i < 0 {
		return nil
	}
	return p.arrivals[i:]
}

// sameKey returns the shortest time between two arrivals for one key.
func (p *phase) sameKey() time.Duration {
	shortest := p.to.Sub(p.from)
	last := map[string]time.Time{}
	for _, a := range p.arrivals {
		if before, seen := last[a.key]; seen {
			shortest = min(shortest, a.at.Sub(before))
		}
		last[a.key] = a.at
	}
	return shortest
}

// excess returns by how much time the arrivals are ahead of a rate in the worst
// window, whatever its length: a window of n arrivals must last (n-1)/rate.
func excess(arrivals []arrival, perSecond float64) (worst time.Duration) {
	for i := range arrivals {
		for j := i + 1; j < len(arrivals); j++ {
			least := time.Duration(float64(j-i) / perSecond * float64(time.Second))
			worst = max(worst, least-arrivals[j].at.Sub(arrivals[i].at))
		}
	}
	return worst
}

func (p *phase) log(t *testing.T) {
	byStatus, byVersion := p.stale()
	t.Logf("%-9s %5d answers, %d failed, stale %d (by version %d), last stale after %v, p50 %v, p99 %v, max %v; at the origin %d, after 2s %d, same key after %v",
		p.mode, len(p.answers), len(p.failures()), byStatus, byVersion, round(p.recovered()),
		round(p.quantile(0.5)), round(p.quantile(0.99)), round(p.quantile(1)),
		len(p.arrivals), len(p.settled(settling)), round(p.sameKey()))
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
