// SPDX-License-Identifier: MIT

package outage_test

import (
	"cmp"
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
func (p *phase) failures() []answer {
	return filter(p.answers, func(a answer) bool { return a.err != nil })
}

// stale returns the answers that were stale by their Cache-Status or their version.
func (p *phase) stale() []answer {
	return filter(p.answers, func(a answer) bool { return a.stale || a.outdated() })
}

// untold returns the answers that were stale and didn't say so.
func (p *phase) untold() []answer {
	return filter(p.answers, func(a answer) bool { return a.outdated() && !a.stale })
}

// outdated reports whether the version was older than its lifetime when the
// request began, with some time for its way.
func (a *answer) outdated() bool { return a.err == nil && a.begun.Sub(a.made) > lifetime+noise }

// after returns the part of the phase that begins so long after it, without the
// answers that came when the origin had already changed.
func (p *phase) after(d time.Duration) *phase {
	from := p.from.Add(d)
	return &phase{
		mode: p.mode, from: from, to: p.to,
		answers:  filter(p.answers, func(a answer) bool { return !a.begun.Before(from) && a.begun.Add(a.took).Before(p.to) }),
		arrivals: filter(p.arrivals, func(a arrival) bool { return !a.at.Before(from) }),
	}
}

// recovered returns how long after the phase began the last stale request began.
func (p *phase) recovered() (after time.Duration) {
	for _, a := range p.after(0).stale() {
		after = max(after, a.begun.Sub(p.from))
	}
	return after
}

// quantile returns the time within which a share of the answers came.
func (p *phase) quantile(share float64) time.Duration {
	if len(p.answers) == 0 {
		return 0
	}
	byTime := slices.SortedFunc(slices.Values(p.answers), func(a, b answer) int { return cmp.Compare(a.took, b.took) })
	return byTime[int(share*float64(len(byTime)-1))].took
}

// sameKey returns the shortest time between two arrivals for one key.
func (p *phase) sameKey() time.Duration {
	shortest := p.to.Sub(p.from)
	last := map[string]arrival{}
	for _, a := range p.arrivals {
		before, seen := last[a.key]
		gap := a.at.Sub(before.at)
		last[a.key] = a
		if seen && !(before.cut && gap < repeated) {
			shortest = min(shortest, gap)
		}
	}
	return shortest
}

// repeated is how soon the transport repeats a request that was cut.
const repeated = 20 * time.Millisecond

// excess returns by how much time the arrivals are ahead of a rate in the worst
// window, whatever its length: n arrivals must be (n-1)/rate apart.
func (p *phase) excess(perSecond float64) (worst time.Duration) {
	for i, first := range p.arrivals {
		for n, last := range p.arrivals[i:] {
			least := time.Duration(float64(n) / perSecond * float64(time.Second))
			worst = max(worst, least-last.at.Sub(first.at))
		}
	}
	return worst
}

func filter[T any](all []T, keep func(T) bool) (found []T) {
	for _, one := range all {
		if keep(one) {
			found = append(found, one)
		}
	}
	return found
}

// log prints the row of a phase.
func (p *phase) log(t *testing.T) {
	t.Logf("%-8s  %4d answers  %d failed  %4d stale, the last after %5.2fs  p50 %5.1fms  p99 %5.1fms  max %5.1fms  origin asked %3d times, %3d after 2s",
		p.mode, len(p.answers), len(p.failures()), len(p.after(0).stale()), p.recovered().Seconds(),
		milliseconds(p.quantile(0.5)), milliseconds(p.quantile(0.99)), milliseconds(p.quantile(1)),
		len(p.arrivals), len(p.after(settling).arrivals))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
