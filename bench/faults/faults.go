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
	warmPages = "/page/"
	coldPages = "/cold/"
	window    = "max-age=1, stale-if-error=600"
)

// faults is the script of an origin that fails in one way after the other.
type faults struct {
	settings
	keys         int
	cacheControl string
}

func (f faults) name() string { return fmt.Sprintf("faults, %d warm pages", f.keys) }

func (f faults) duration() string {
	n := len(f.behaviours)
	return fmt.Sprintf("%d phases of %v, %v in all", n, f.phaseLength, time.Duration(n)*f.phaseLength)
}

func (f faults) origin() http.Handler { return holdovertest.Pages(f.cacheControl) }

func (f faults) together() bool { return true }

// flags make the hard timeout short enough to be measured.
func (f faults) flags() []string { return []string{"-timeout", f.hard.String()} }

func (f faults) limits() limits {
	return limits{keys: f.keys, soft: f.soft, hard: f.hard, staleShare: 0.05}
}

func (f faults) play(ctx context.Context, s *site) (result, error) {
	phases, err := f.run(ctx, s)
	if err != nil {
		return result{}, err
	}
	by := promises
	if f.strict {
		by = append(by[:len(by):len(by)], strictPromises...)
	}
	return result{
		details:  phaseTable(phases) + "\n" + legend,
		figures:  faultFigures(f.limits(), phases),
		verdicts: judge(f.limits(), phases, by),
	}, nil
}

// run plays the behaviours under load.
func (f faults) run(ctx context.Context, s *site) ([]phase, error) {
	load := &holdovertest.Load{URL: s.url, Paths: paths(warmPages, f.keys), PerSecond: float64(f.perSecond), Patience: patience}
	if err := s.warm(ctx, load.Paths); err != nil {
		return nil, err
	}
	cold := newColds(s.url, f.hard)
	defer cold.waiting.Wait()
	loading, stop := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() { _ = load.Run(loading) }) // its fields are right
	var phases []phase
	for i, b := range f.behaviours {
		s.tell("phase %d of %d: %s", i+1, len(f.behaviours), b.name)
		p, err := f.phase(ctx, s.origin, b, cold)
		if err != nil {
			return nil, err
		}
		phases = append(phases, p)
	}
	stop()
	waiting.Wait()
	for i := range phases {
		p := &phases[i]
		p.answers, p.cold = load.Between(p.from, p.to), cold.between(p.from, p.to)
		p.arrivals = s.origin.between(warmPages, p.from, p.to)
	}
	return phases, nil
}

// phase lets the origin behave in one way, and asks for a cold page in the middle of each
// second in which it fails.
func (f faults) phase(ctx context.Context, o *origin, b behaviour, cold *colds) (phase, error) {
	if err := o.play(b); err != nil {
		return phase{}, err
	}
	p := phase{behaviour: b, from: time.Now()}
	for next := time.Second / 2; next < f.phaseLength && b.failing(); next += time.Second {
		if err := sleepUntil(ctx, p.from.Add(next)); err != nil {
			return phase{}, err
		}
		cold.ask(ctx)
	}
	err := sleepUntil(ctx, p.from.Add(f.phaseLength))
	p.to = time.Now()
	return p, err
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// paths are so many pages with a prefix.
func paths(prefix string, keys int) (all []string) {
	for i := range keys {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}
