// SPDX-License-Identifier: MIT

package backoff

import (
	"math"
	"time"
)

// bucket bounds a rate. It is a token bucket kept as one instant (the generic
// cell rate algorithm): when, at the agreed rate, the next token falls due if
// all so far are to be earned. Ahead of now by burst-1 tokens, it is empty. The
// zero value is full.
type bucket int64

// next returns when there is a token, 0 for at once.
func (b bucket) next(rate float64, now int64) int64 {
	if rate <= 0 {
		return 0
	}
	gap, slack := gapAndSlack(rate)
	return until(int64(b)-slack, now, time.Duration(gap))
}

// take takes a token that next said is there.
func (b *bucket) take(rate float64, now int64) {
	if rate <= 0 {
		return
	}
	gap, slack := gapAndSlack(rate)
	due := until(int64(*b), now, time.Duration(gap+slack))
	*b = bucket(max(due, now) + gap)
}

// gapAndSlack returns the time that a token takes to earn, and that for all but
// one of the tokens that a full bucket holds: a tenth of a second's, at least one.
func gapAndSlack(rate float64) (gap, slack int64) {
	perToken := min(math.Ceil(float64(time.Second)/rate), float64(24*time.Hour))
	return int64(perToken), int64(perToken * max(rate/10-1, 0))
}
