// SPDX-License-Identifier: MIT

package main

import (
	"slices"
	"time"
)

// tally sums answers up.
type tally struct {
	requests, fresh, stale, fetched int
	failed, risen, moved            int
	took                            []time.Duration // in order
}

func tallyOf(answers []answer) (t tally) {
	for _, a := range answers {
		t.requests++
		t.took = append(t.took, a.took)
		count(&t.moved, a.moved)
		count(&t.risen, a.risen)
		switch {
		case a.err != nil:
			t.failed++
		case a.from == fresh:
			t.fresh++
		case a.from == stale:
			t.stale++
		default:
			t.fetched++
		}
	}
	slices.Sort(t.took)
	return t
}

func count(n *int, one bool) {
	if one {
		*n++
	}
}

// quantile returns the time within which a share of the answers came.
func (t tally) quantile(share float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return t.took[int(share*float64(len(t.took)-1))]
}

// slower returns the share of answers that took longer.
func (t tally) slower(than time.Duration) float64 {
	if len(t.took) == 0 {
		return 0
	}
	first, _ := slices.BinarySearch(t.took, than+1)
	return float64(len(t.took)-first) / float64(len(t.took))
}

// of returns the answers of one process.
func of(process int, answers []answer) (found []answer) {
	for _, a := range answers {
		if a.process == process {
			found = append(found, a)
		}
	}
	return found
}
