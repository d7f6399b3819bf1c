// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"net/http"
	"time"
)

// maxWait bounds waits where the policy's own bound is off.
const maxWait = time.Hour

// timeToAnswer is kept of a request's own deadline, so that what is given when it
// approaches still arrives: a tenth of it, at most so much.
const timeToAnswer = 50 * time.Millisecond

// timeLeft is how long a request may wait for the sake of its own deadline, which outer
// middleware gave it.
func (x *exchange) timeLeft() time.Duration { return timeLeft(x.r, x.began) }

func timeLeft(r *http.Request, began time.Time) time.Duration {
	deadline, given := r.Context().Deadline()
	if !given {
		return maxWait
	}
	spare := min(deadline.Sub(began)/10, timeToAnswer)
	return min(max(time.Until(deadline)-spare, 0), maxWait)
}

// storeContext bounds what a request waits for a store: by the store's own time, and by what is
// left of the request's. That this ends is no failure of the store, so it cancels.
func (c *Cache) storeContext(r *http.Request) (context.Context, context.CancelFunc) {
	ctx := r.Context()
	if _, given := ctx.Deadline(); !given {
		return context.WithTimeout(ctx, c.cfg.StoreTimeout)
	}
	free, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	timer := time.AfterFunc(timeLeft(r, time.Now()), cancel)
	bounded, done := context.WithTimeout(free, c.cfg.StoreTimeout)
	return bounded, func() {
		done()
		timer.Stop()
		stop()
		cancel()
	}
}

// outOfTime reports whether the request's own deadline has come. The client may still be there, as
// it is not where its context was cancelled.
func (x *exchange) outOfTime() bool { return x.r.Context().Err() == context.DeadlineExceeded }

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
