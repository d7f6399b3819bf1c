// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

const (
	lifetime = time.Second            // what origins say
	patience = time.Second            // of clients: the deadline
	settling = 2 * time.Second        // of a failing phase, before the trickle counts
	counted  = time.Second            // that must be left then, to say anything
	noise    = 250 * time.Millisecond // of a busy machine
	slack    = 20 * time.Millisecond  // beside a timeout
)

// limits are what the promises of the fault script depend on.
type limits struct {
	keys int
	// soft and hard are how long a request may wait at the origin, where a stale page
	// could be given and where none is.
	soft, hard time.Duration
	// staleShare is how many answers of an origin that is well may be stale.
	staleShare float64
}

// trickle is how many requests a second may reach a failing origin.
func (l limits) trickle() float64 { return max(0.2*float64(l.keys), 1) }

// verdict tells whether a promise was kept.
type verdict struct {
	name    string // in a word or two
	promise string
	missed  []string // why not
	// unjudged is why nothing can be said: what the promise speaks of didn't happen.
	// It neither keeps nor misses.
	unjudged string
}

func (v *verdict) miss(format string, args ...any) {
	v.missed = append(v.missed, fmt.Sprintf(format, args...))
}

// judgedIf gives up the verdict, for a reason, unless there was something to judge.
func (v *verdict) judgedIf(something bool, reason string) {
	if !something {
		v.unjudged = reason
	}
}

// promises are what the fault script judges of any cache.
var promises = []func(limits, []phase) verdict{
	answered, inTime, freshWhileHealthy, spared, coldHonest,
}

func judge(l limits, phases []phase, by []func(limits, []phase) verdict) (found []verdict) {
	for _, promise := range by {
		found = append(found, promise(l, phases))
	}
	return found
}

// answered: every request for a warm page gets it, right and whole, before the client
// gives up.
func answered(_ limits, phases []phase) verdict {
	v := verdict{name: "answered", promise: "every request for a warm page is answered by the right page, whole, within a second"}
	var all, failed int
	for _, p := range phases {
		r := p.report()
		all, failed = all+r.Answers, failed+r.Failed
		if r.Failed > 0 {
			v.miss("%s: %d of %d failed, such as %v", p.name, r.Failed, r.Answers, firstError(p.answers))
		}
	}
	if all == 0 {
		v.miss("nothing was asked")
	}
	return v
}

func firstError(answers []holdovertest.Answer) error {
	for _, a := range answers {
		if a.Err != nil {
			return fmt.Errorf("%s after %v: %w", a.Path, a.Took.Round(time.Millisecond), a.Err)
		}
	}
	return nil
}

// inTime: of 100 requests 99 wait no longer than the soft timeout.
func inTime(l limits, phases []phase) verdict {
	v := verdict{name: "in time", promise: fmt.Sprintf("99 %% of them within %v, in each phase", l.soft+slack)}
	measured := false
	for _, p := range phases {
		r := p.report()
		measured = measured || r.Answers > 0
		if r.P99 > l.soft+slack {
			v.miss("%s: p99 is %v", p.name, r.P99.Round(time.Millisecond))
		}
	}
	v.judgedIf(measured, "nothing was asked")
	return v
}

// freshWhileHealthy: an origin that is well isn't hidden. Counted from the first moment
// of its recovery.
func freshWhileHealthy(l limits, phases []phase) verdict {
	v := verdict{name: "fresh", promise: fmt.Sprintf("less than %.0f %% of the answers are stale while the origin is well, recoveries included", 100*l.staleShare)}
	stale, all := staleWhileHealthy(phases)
	if all == 0 || float64(stale) >= l.staleShare*float64(all) {
		v.miss("%d of %d stale, %.1f %%", stale, all, percent(stale, all))
	}
	return v
}

func staleWhileHealthy(phases []phase) (stale, all int) {
	for _, p := range phases {
		if !p.failing() {
			stale += p.report().Stale
			all += len(p.after(0).answers)
		}
	}
	return stale, all
}

// spared: once it has shown that the origin fails, it is asked now and then only.
func spared(l limits, phases []phase) verdict {
	v := verdict{name: "origin spared", promise: fmt.Sprintf("a failing origin gets at most %.3g requests a second for warm pages, after %v", l.trickle(), settling)}
	measured := false
	for _, p := range phases {
		if !p.settles() {
			continue
		}
		measured = true
		// One more, since windows of whole periods can hold their end too.
		allowed := int(math.Ceil(l.trickle()*(p.lasted()-settling).Seconds())) + 1
		if got := len(p.after(settling).asked()); got > allowed {
			v.miss("%s: %d requests in %v", p.name, got, (p.lasted() - settling).Round(time.Second))
		}
	}
	v.judgedIf(measured, tooShort)
	return v
}

// tooShort is why promises about what comes after settling aren't judged.
const tooShort = "it counts requests in phases of 3 s or more, with an origin that listens"

// coldHonest: who asks for a page that isn't there learns the truth, in time.
func coldHonest(l limits, phases []phase) verdict {
	v := verdict{name: "honest", promise: fmt.Sprintf("cold pages fail honestly within %v: an error or a cut connection, never an empty or partial page", l.hard)}
	measured := false
	for _, p := range phases {
		measured = measured || len(p.cold) > 0
		for _, a := range p.cold {
			if err := honest(l, p.behaviour, a); err != nil {
				v.miss("%s: %v", p.name, err)
			}
		}
	}
	v.judgedIf(measured, "no cold page was asked for")
	return v
}

// honest returns an error if a client was told something wrong, or nothing in time.
func honest(l limits, b behaviour, a holdovertest.Answer) error {
	switch took := a.Took.Round(time.Millisecond); {
	case b.drips && a.Status == http.StatusOK && (a.Err == nil || errors.Is(a.Err, context.DeadlineExceeded)):
		return nil // the bytes are coming
	case errors.Is(a.Err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", took)
	case a.Took > l.hard+slack+noise:
		return fmt.Errorf("answered after %v", took)
	case errors.Is(a.Err, holdovertest.ErrWrongPage):
		return a.Err
	case errors.Is(a.Err, holdovertest.ErrStatus) && a.Status < 500:
		return fmt.Errorf("status %d for a page that there is", a.Status)
	}
	return nil
}

func percent(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(part) / float64(of)
}
