// SPDX-License-Identifier: MIT

package backoff

import (
	"math"
	"time"
)

// rate bounds how often something happens. The zero value is no bound.
type rate struct {
	perSecond float64
	burst     float64 // how many may come at once, at least 1
}

// gapAndSlack returns the time that a token takes to earn, and that for all but
// one of the tokens that a full bucket holds.
func (r rate) gapAndSlack() (gap, slack int64) {
	perToken := min(math.Ceil(float64(time.Second)/r.perSecond), float64(24*time.Hour))
	return int64(perToken), int64(perToken * (r.burst - 1))
}

// bucket keeps to a rate. It is a token bucket kept as one instant (the generic
// cell rate algorithm): when, at the agreed rate, the next token falls due if
// all so far are to be earned. Ahead of now by burst-1 tokens, it is empty. The
// zero value is full.
type bucket int64

// next returns when there is a token, 0 for at once.
func (b bucket) next(r rate, now int64) int64 {
	if r.perSecond <= 0 {
		return 0
	}
	gap, slack := r.gapAndSlack()
	return until(int64(b)-slack, now, time.Duration(gap))
}

// take takes a token that next said is there.
func (b *bucket) take(r rate, now int64) {
	if r.perSecond <= 0 {
		return
	}
	gap, slack := r.gapAndSlack()
	due := until(int64(*b), now, time.Duration(gap+slack))
	*b = bucket(max(due, now) + gap)
}
