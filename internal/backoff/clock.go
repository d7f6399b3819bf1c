// SPDX-License-Identifier: MIT

package backoff

import "time"

// maxSkew is how far a remembered instant may lie ahead of now beyond what its
// rule explains. Callers read the wall clock before they take the lock that
// guards the state, so that now may run a little backwards from one step to the
// next; a larger step back means that somebody set the clock, and instants from
// before that must not hold up anything.
const maxSkew = 5 * time.Second

// before reports whether a fetch began before a remembered instant.
func before(started, instant, now int64) bool {
	return started < instant && instant-now <= int64(maxSkew)
}

// until returns the end of a wait, or 0 for one that ends later than now plus
// the longest that it can last: the clock was set back.
func until(end, now int64, longest time.Duration) int64 {
	if end-now > int64(longest+maxSkew) {
		return 0
	}
	return end
}
