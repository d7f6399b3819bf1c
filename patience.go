// SPDX-License-Identifier: MIT

package holdover

import "time"

// maxWait bounds waits where the policy's own bound is off.
const maxWait = time.Hour

// timeToAnswer is kept of a request's own deadline, so that what is given when it
// approaches still arrives: a tenth of it, at most so much.
const timeToAnswer = 50 * time.Millisecond

// timeLeft is how long a request may wait for the sake of its own deadline, which outer
// middleware gave it.
func (x *exchange) timeLeft() time.Duration {
	deadline, given := x.r.Context().Deadline()
	if !given {
		return maxWait
	}
	spare := min(deadline.Sub(x.began)/10, timeToAnswer)
	return min(max(time.Until(deadline)-spare, 0), maxWait)
}

// patienceLeft is how long a request without a copy may wait for others' work: until its
// deadline or the hard timeout, whichever is earlier.
func (x *exchange) patienceLeft() time.Duration {
	hard := min(x.p.hardTimeout, maxWait) - time.Since(x.began)
	return min(max(hard, 0), x.timeLeft())
}

// lastFetch is how long the origin took when it last answered for this key, as this
// process has seen or as the stored response says. 0 where nobody knows.
func (x *exchange) lastFetch() time.Duration {
	d := x.learned.LastFetch
	if x.found.entry != nil {
		d = max(d, costOf(x.found.entry))
	}
	return d
}
