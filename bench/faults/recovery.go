// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

const (
	recoveryPages    = "/recovery/"
	recoveryKeys     = 1000
	recoveryRate     = 500
	recoveryPatience = 90 * time.Second
	// fetchRate is what the origin can stand while it comes back. Holdover's proxy
	// gets it as a flag.
	fetchRate = 20
)

// recovery is the script of an origin that comes back to many pages that are
// all stale, and must not be knocked over at once.
type recovery struct{ settings }

func (recovery) name() string {
	return fmt.Sprintf("recovery: an origin comes back, %d pages are stale, %d requests a second", recoveryKeys, recoveryRate)
}

func (sc recovery) duration() string {
	return fmt.Sprintf("for each cache %v of failure, and %v at most until everything is fresh", sc.outageLength(), recoveryPatience)
}

func (sc recovery) outageLength() time.Duration { return sc.phaseLength * 3 / 2 }

func (recovery) origin() http.Handler { return holdovertest.Pages(window) }

func (recovery) together() bool { return false }

func (recovery) flags() []string { return []string{"-fetch-rate", fmt.Sprint(fetchRate)} }

// longFresh is how the origin answers when it has come back: a page that was fetched
// stays fresh until the end.
var longFresh = behaviour{name: "healthy again", fault: func(http.Handler) http.Handler {
	return holdovertest.Pages("max-age=600, stale-if-error=600")
}}

// recovered is what came of it.
type recovered struct {
	report holdovertest.Report // since the origin came back
	most   int                 // requests that it got in any one second
	fresh  time.Duration       // when all pages were; 0 if they never were
	left   int                 // pages that weren't
}

func (sc recovery) play(ctx context.Context, s *site) (result, error) {
	load := &holdovertest.Load{URL: s.url, Paths: paths(recoveryPages, recoveryKeys), PerSecond: recoveryRate, Patience: patience}
	if err := s.warm(ctx, load.Paths); err != nil {
		return result{}, err
	}
	loading, stop := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() { _ = load.Run(loading) }) // its fields are right
	s.tell("the origin fails")
	back, err := sc.outage(ctx, s.origin)
	if err != nil {
		return result{}, err
	}
	s.tell("the origin is back")
	if err := awaitFresh(ctx, load, back); err != nil {
		return result{}, err
	}
	stop()
	waiting.Wait()
	r := sumUp(load, back, s.origin.between(recoveryPages, back, time.Now()))
	return result{figures: r.figures(), verdicts: r.verdicts()}, nil
}

// outage lets the origin fail for longer than a cache's own few seconds of grace.
func (sc recovery) outage(ctx context.Context, o *origin) (back time.Time, err error) {
	if err := o.play(unavailable); err != nil {
		return back, err
	}
	if err := sleepUntil(ctx, time.Now().Add(sc.outageLength())); err != nil {
		return back, err
	}
	back = time.Now()
	return back, o.play(longFresh)
}

func awaitFresh(ctx context.Context, load *holdovertest.Load, back time.Time) error {
	for time.Since(back) < recoveryPatience {
		if err := sleepUntil(ctx, time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, left := freshAfter(load.Between(back, time.Now()), back); left == 0 {
			return nil
		}
	}
	return nil
}

// freshAfter returns how long after an instant the last page was seen that was made
// since, and how many never were.
func freshAfter(answers []holdovertest.Answer, back time.Time) (after time.Duration, left int) {
	seen := map[string]time.Duration{}
	for _, a := range answers {
		if a.Err != nil || a.Made.Before(back) {
			continue
		}
		at := a.Begun.Add(a.Took).Sub(back)
		if before, known := seen[a.Path]; !known || at < before {
			seen[a.Path] = at
		}
	}
	for _, at := range seen {
		after = max(after, at)
	}
	return after, recoveryKeys - len(seen)
}

func sumUp(load *holdovertest.Load, back time.Time, arrivals holdovertest.Arrivals) recovered {
	answers := load.Between(back, time.Now())
	r := recovered{report: holdovertest.NewReport(back, recoveryPatience+time.Hour, answers), most: arrivals.MostWithin(time.Second)}
	r.report.Arrivals = len(arrivals)
	r.fresh, r.left = freshAfter(answers, back)
	return r
}

func (r recovered) figures() []figure {
	fresh := seconds(r.fresh)
	if r.left > 0 {
		fresh = fmt.Sprintf("%d never", r.left)
	}
	return []figure{
		{"answered", fmt.Sprintf("%.2f %%", 100-percent(r.report.Failed, r.report.Answers))},
		{"p99", milliseconds(r.report.P99)},
		{"most requests in any second", fmt.Sprint(r.most)},
		{"requests in all", fmt.Sprint(r.report.Arrivals)},
		{"all pages fresh after", fresh},
	}
}

func (r recovered) verdicts() []verdict {
	all := verdict{name: "answered", promise: "every request is answered by the right page, whole, within a second"}
	if r.report.Failed > 0 || r.report.Answers == 0 {
		all.miss("%d of %d failed", r.report.Failed, r.report.Answers)
	}
	gentle := verdict{name: "gentle", promise: fmt.Sprintf("the origin gets at most %d requests in any second", fetchRate+fetchRate/4)}
	if r.most > fetchRate+fetchRate/4 {
		gentle.miss("%d", r.most)
	}
	gentle.judgedIf(r.most > 0, "the origin got no request")
	soon := recoveryKeys / fetchRate * time.Second * 6 / 5
	fresh := verdict{name: "fresh", promise: fmt.Sprintf("all pages are fresh after %v", soon)}
	switch {
	case r.left > 0:
		fresh.miss("%d weren't after %v", r.left, recoveryPatience)
	case r.fresh > soon:
		fresh.miss("after %v", r.fresh)
	}
	return []verdict{all, gentle, fresh}
}
