// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

const (
	slowness  = 700 * time.Millisecond
	slowPages = "/slow/"
	slowKeys  = 20
)

// slow is the script of an origin that is well and takes its time: longer than one
// waits for a failing one, shorter than clients are patient.
type slow struct{ settings }

func (slow) name() string {
	return fmt.Sprintf("slow: an origin that is well and takes %v, %d warm pages", slowness, slowKeys)
}

func (sc slow) duration() string { return (2 * sc.phaseLength).String() }

func (slow) origin() http.Handler {
	return holdovertest.Delay(slowness)(holdovertest.Pages(window))
}

func (slow) together() bool  { return true }
func (slow) flags() []string { return nil }

func (sc slow) play(ctx context.Context, s *site) (result, error) {
	load := &holdovertest.Load{URL: s.url, Paths: paths(slowPages, slowKeys), PerSecond: float64(sc.perSecond), Patience: patience}
	if err := s.warm(ctx, load.Paths); err != nil {
		return result{}, err
	}
	from := time.Now()
	loading, stop := context.WithTimeout(ctx, 2*sc.phaseLength)
	defer stop()
	if err := load.Run(loading); err != nil {
		return result{}, err
	}
	if err := ctx.Err(); err != nil {
		return result{}, err
	}
	r := holdovertest.NewReport(from, lifetime+noise, load.Answers())
	r.Arrivals = len(s.origin.between(slowPages, from, time.Now()))
	return result{figures: slowFigures(r), verdicts: slowVerdicts(r)}, nil
}

func slowFigures(r holdovertest.Report) []figure {
	return []figure{
		{"answered", fmt.Sprintf("%.2f %%", 100-percent(r.Failed, r.Answers))},
		{"stale", fmt.Sprintf("%.1f %%", percent(r.Stale, r.Answers))},
		{"last stale", seconds(r.LastStale)},
		{"oldest page", seconds(r.Oldest)},
		{"p50", milliseconds(r.P50)},
		{"p99", milliseconds(r.P99)},
		{"origin asked", fmt.Sprintf("%d for %d answers", r.Arrivals, r.Answers)},
	}
}

func slowVerdicts(r holdovertest.Report) []verdict {
	all := verdict{name: "answered", promise: "every request is answered by the right page, whole, within a second"}
	if r.Failed > 0 || r.Answers == 0 {
		all.miss("%d of %d failed", r.Failed, r.Answers)
	}
	fresh := verdict{name: "fresh", promise: "less than 5 % of the answers are stale"}
	if r.Answers == 0 || 20*r.Stale >= r.Answers {
		fresh.miss("%d of %d stale", r.Stale, r.Answers)
	}
	return []verdict{all, fresh}
}
