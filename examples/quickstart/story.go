// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// mishap is a way to break the backend.
type mishap struct{ how, title string }

// mishaps come in this order; slow is last, since Holdover remembers how long the
// page took and is patient accordingly.
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

	chapters   []chapter
	with, bare tally
}

// chapter is what became of one mishap.
type chapter struct {
	mishap
	with, bare tally
	recovered  visit
}

// tell returns early, without an error, when ctx ends.
func (s *story) tell(ctx context.Context) error {
	s.say("HOLDOVER QUICKSTART\n")
	s.say("A page takes the backend %v to make. It says of itself:", workTime)
	s.say("  Cache-Control: %s", pageControl)
	s.say("that is: fresh for 1 s, and good for 10 min more if the backend fails.")
	s.rush(ctx)
	for _, m := range mishaps() {
		if err := s.suffer(ctx, m); err != nil {
			return err
		}
	}
	s.purge(ctx)
	s.unknown(ctx)
	if ctx.Err() == nil {
		s.total()
	}
	return nil
}

// rush: many visitors ask for a page that isn't stored yet.
func (s *story) rush(ctx context.Context) {
	s.title("%d visitors come at once, and nothing is stored yet", crowdSize)
	s.compare(s.bothSides(func(url string) []visit { return crowd(ctx, crowdSize, url) }))
}

// suffer waits until the stored page is stale, breaks the backend, sends visitors, and
// heals it.
func (s *story) suffer(ctx context.Context, m mishap) error {
	if !pause(ctx, staleAfter) {
		return nil
	}
	s.title("%s", m.title)
	if err := s.site.backend.breakDown(m.how); err != nil {
		return err
	}
	c := chapter{mishap: m}
	c.with, c.bare = s.bothSides(func(url string) []visit { return waves(ctx, url) })
	s.site.backend.heal()
	s.compare(c.with, c.bare)
	c.recovered = see(ctx, s.url+"/time", true)
	s.say("  healed; a reload shows %s", c.recovered.inWords())
	s.chapters = append(s.chapters, c)
	return nil
}

// purge: the stored page is fresh, but the editor has changed it.
func (s *story) purge(ctx context.Context) {
	s.title("The page is purged while it is fresh")
	page := s.url + "/time"
	s.say("  before   %s", see(ctx, page, false).body)
	if answer, err := browser.Post(s.url+"/purge", "", http.NoBody); err == nil {
		answer.Body.Close()
	}
	v := see(ctx, page, false)
	s.say("  after    %s (%s)", v.body, v.inWords())
}

// unknown: what was never stored can't be held over.
func (s *story) unknown(ctx context.Context) {
	s.title("The backend refuses connections, and the page asked for was never stored")
	_ = s.site.backend.breakDown("refuse")
	defer s.site.backend.heal()
	s.say("  with Holdover     %s: an honest error, never an empty page", see(ctx, s.url+"/time?of=nowhere", false).inWords())
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

// pause reports whether all of d went by.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
