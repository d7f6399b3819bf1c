// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"net/http"
	"time"
)

// maxWait bounds waits where the policy's own bound is off.
const maxWait = time.Hour

// maxPatience bounds how long one reader of a download may hold up the others.
const maxPatience = 30 * time.Second

// timeToAnswer is kept of a request's own deadline, so that what is given when it
// approaches still arrives: a tenth of it, at most so much.
const timeToAnswer = 50 * time.Millisecond

// timeLeft is how long a request may wait for the sake of its own deadline, which outer
// middleware or the server's WriteTimeout gave it: what is written later, nobody gets.
func (x *exchange) timeLeft() time.Duration { return timeLeft(x.r, x.began) }

func timeLeft(r *http.Request, began time.Time) time.Duration {
	left := maxWait - time.Since(began)
	if deadline, given := r.Context().Deadline(); given {
		left = time.Until(deadline) - spare(deadline.Sub(began))
	}
	if s, _ := r.Context().Value(http.ServerContextKey).(*http.Server); s != nil && s.WriteTimeout > 0 {
		left = min(left, time.Until(began.Add(s.WriteTimeout))-spare(s.WriteTimeout))
	}
	return max(left, 0)
}

func spare(all time.Duration) time.Duration { return max(min(all/10, timeToAnswer), 0) }

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

// softTime is how long this request may wait where there is a copy.
func (x *exchange) softTime() time.Duration { return x.p.softTime(x.usualFetch(), x.lastFetch()) }

// usualFetch is how long a fetch of this key usually takes, as this process has seen or, before
// that, as the stored response says. 0 where nobody knows.
func (x *exchange) usualFetch() time.Duration {
	usual := x.learned.Usual
	if usual == 0 && x.found.entry != nil {
		usual = costOf(x.found.entry)
	}
	if x.who != 0 { // pages of his own may take longer
		own, _ := x.c.keys.Get(x.hash ^ x.who)
		usual = max(usual, own.Usual)
	}
	return usual
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
