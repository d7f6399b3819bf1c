// SPDX-License-Identifier: MIT

package holdovertest

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Report sums up the answers of a time.
type Report struct {
	// Answers is how many there were, Failed how many of them had an Err.
	Answers, Failed int
	// Stale is how many pages were older than their lifetime when they were asked
	// for, or stale by Cache-Status. Untold is how many of them were too old
	// and didn't say so.
	Stale, Untold int
	// LastStale is how long after the beginning the last request began that got a
	// stale page.
	LastStale time.Duration
	// Oldest is the greatest Age.
	Oldest time.Duration
	// P50, P99 and Max are how long answers took, failed ones too: within P99
	// came 99 of 100.
	P50, P99, Max time.Duration
	// Arrivals is how many requests reached the origin in that time. It is the
	// caller's to fill in.
	Arrivals int
}

// NewReport sums up answers, those of Between for example. LastStale counts from
// an instant. A page is fresh for a lifetime; over real connections add what a busy
// machine may take on the way, or NewReport calls a page stale that was fresh
// when it left.
func NewReport(from time.Time, lifetime time.Duration, answers []Answer) Report {
	r := Report{Answers: len(answers)}
	took := make([]time.Duration, 0, len(answers))
	for _, a := range answers {
		took = append(took, a.Took)
		r.add(from, lifetime, a)
	}
	slices.Sort(took)
	r.P50, r.P99, r.Max = quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1)
	return r
}

func (r *Report) add(from time.Time, lifetime time.Duration, a Answer) {
	if a.Err != nil {
		r.Failed++
		return
	}
	age := a.Age()
	r.Oldest = max(r.Oldest, age)
	if age <= lifetime && !a.SaysStale() {
		return
	}
	r.Stale++
	r.LastStale = max(r.LastStale, a.Begun.Sub(from))
	if !a.SaysStale() {
		r.Untold++
	}
}

// quantile returns the shortest of sorted times within which a share of them lies.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(int(math.Ceil(share*float64(len(sorted))))-1, 0)]
}

// String is a line for a log. It leaves Arrivals out if that is 0, since it may not have been
// filled in.
func (r Report) String() string {
	line := fmt.Sprintf("%d answers, %d failed, %d stale (%d untold), the last after %.2fs; p50 %v, p99 %v, max %v",
		r.Answers, r.Failed, r.Stale, r.Untold, r.LastStale.Seconds(),
		r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond), r.Max.Round(time.Microsecond))
	if r.Arrivals > 0 {
		line += fmt.Sprintf("; %d requests reached the origin", r.Arrivals)
	}
	return line
}
