// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// mishap is a way to break the backend.
type mishap struct{ how, title string }

func mishaps() []mishap {
	return []mishap{
		{"503", "The backend answers 503"},
		{"panic", "The backend's handler panics"},
		{"truncate", "The backend breaks off in the middle of the page"},
		{"refuse", "A proxy stands in between, and its backend refuses connections"},
		{"hang", "The backend hangs and never answers"},
		{"slow", "The backend answers, but slowly"},
	}
}

const (
	crowdSize  = 50
	waveSize   = 10
	waveGap    = 200 * time.Millisecond
	staleAfter = 1100 * time.Millisecond // the page is stale then, see pageControl
)

// story tells what visitors see, and keeps count.
type story struct {
	out  io.Writer
	site *site
	url  string

	crowded, crowdedBare tally
	chapters             []chapter
	before, after        visit // around the purge
	never                visit
	with, bare           tally // all in all
}

// chapter is what became of one mishap.
type chapter struct {
	mishap
	with, bare tally
	recovered  visit
}

// tell returns early, without an error, when ctx ends.
func (s *story) tell(ctx context.Context) error {
	s.opening()
	acts := []func(context.Context) error{s.rush}
	for _, m := range mishaps() {
		acts = append(acts, func(ctx context.Context) error { return s.suffer(ctx, m) })
	}
	acts = append(acts, s.purge, s.unknown)
	for _, act := range acts {
		err := act(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.total()
	return nil
}

// rush: many visitors ask for a page that isn't stored yet.
func (s *story) rush(ctx context.Context) error {
	s.title("%d visitors come at once, and nothing is stored yet", crowdSize)
	s.crowded, s.crowdedBare = s.bothSides(func(url string) []visit { return crowd(ctx, crowdSize, url) })
	s.compare(ctx, s.crowded, s.crowdedBare)
	return nil
}

// suffer waits until the stored page is stale, breaks the backend, sends visitors, and
// heals it. A failed page rests for a second; a reload doesn't wait for that.
func (s *story) suffer(ctx context.Context, m mishap) error {
	pause(ctx, staleAfter)
	s.title("%s", m.title)
	if err := s.pull(ctx, "/break?how="+m.how); err != nil {
		return err
	}
	c := chapter{mishap: m}
	c.with, c.bare = s.bothSides(func(url string) []visit { return waves(ctx, url) })
	s.compare(ctx, c.with, c.bare)
	if err := s.pull(ctx, "/heal"); err != nil {
		return err
	}
	c.recovered = see(ctx, s.url+"/time", true)
	s.say("  Healed. A reload shows %s.", c.recovered.inWords())
	s.chapters = append(s.chapters, c)
	return nil
}

// purge: the stored page is fresh, but somebody knows better.
func (s *story) purge(ctx context.Context) error {
	s.title("The page is purged while it is fresh")
	s.before = see(ctx, s.url+"/time", false)
	if err := s.pull(ctx, "/purge"); err != nil {
		return err
	}
	s.after = see(ctx, s.url+"/time", false)
	s.say("  before            %s: %s", s.before.body, s.before.inWords())
	s.say("  after             %s: %s", s.after.body, s.after.inWords())
	return nil
}

// unknown: what was never stored can't be held over.
func (s *story) unknown(ctx context.Context) error {
	s.title("The backend refuses connections, and this page was never stored")
	if err := s.pull(ctx, "/break?how=refuse"); err != nil {
		return err
	}
	s.never = see(ctx, s.url+"/time?of=nowhere", false)
	s.say("  with Holdover     %s: an honest error, never an empty page", s.never.inWords())
	return s.pull(ctx, "/heal")
}

// pull pulls one of the site's switches.
func (s *story) pull(ctx context.Context, lever string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+lever, nil)
	if err != nil {
		return err
	}
	answer, err := browser.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", lever, answer.Status)
	}
	return nil
}

// waves makes two waves of visits.
func waves(ctx context.Context, url string) (visits []visit) {
	var first []visit
	var early sync.WaitGroup
	early.Go(func() { first = crowd(ctx, waveSize, url) })
	pause(ctx, waveGap)
	second := crowd(ctx, waveSize, url)
	early.Wait()
	return slices.Concat(first, second)
}

// bothSides lets the same happen to the page with Holdover and to the bare one.
func (s *story) bothSides(happens func(url string) []visit) (with, bare tally) {
	var other sync.WaitGroup
	other.Go(func() { bare = watch(&s.site.bare, s.url+"/bare/time", happens) })
	with = watch(&s.site.with, s.url+"/time", happens)
	other.Wait()
	return with, bare
}

func watch(c *counted, url string, happens func(string) []visit) tally {
	before := c.calls.Load()
	visits := happens(url)
	return sum(visits, int(c.calls.Load()-before))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
