// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) title(format string, args ...any) { s.say("\n== "+format, args...) }

func (s *story) opening() {
	s.say("A page takes the backend %v to make. It says of itself", workTime)
	s.say("  Cache-Control: %s", pageControl)
	s.say("that is: fresh for 1 s, and good for 10 min more if the backend fails.")
	s.say("Visitors ask for it with Holdover in front of the backend, and without.")
}

// compare prints what visitors saw on both sides, and adds it up. After an
// interruption the visits mean nothing.
func (s *story) compare(ctx context.Context, with, bare tally) {
	if ctx.Err() != nil {
		return
	}
	s.with.add(with)
	s.bare.add(bare)
	s.side("without Holdover", bare)
	s.side("with Holdover", with)
	s.say("  Cache-Status: %s", with.sample)
}

func (s *story) side(name string, t tally) {
	stale := ""
	if t.stale > 0 {
		stale = fmt.Sprintf(" (%d stale)", t.stale)
	}
	s.say("  %-17s %2d of %d answered%s, slowest %.2f s, %s",
		name, t.answered, t.requests, stale, t.slowest.Seconds(), plural(t.calls, "handler call"))
	for _, saw := range t.saw {
		s.say("  %17s %2d × %s", "", saw.times, saw.what)
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (s *story) total() {
	s.title("All in all")
	s.say("  %-17s %9s %9s %9s %14s %9s", "", "requests", "answered", "stale", "handler calls", "slowest")
	row := func(name string, t tally) {
		s.say("  %-17s %9d %9d %9d %14d %9v", name, t.requests, t.answered, t.stale, t.calls, t.slowest.Round(10*time.Millisecond))
	}
	row("without Holdover", s.bare)
	row("with Holdover", s.with)
}

// invite tells how to go on by hand.
func (s *story) invite() {
	ways := slices.Sorted(maps.Keys(s.site.backend.ways))
	s.title("Your turn: serving on %s until Ctrl-C", s.url)
	s.say("  curl -i %s/time        # see Cache-Status", s.url)
	s.say("  curl -i %s/bare/time   # without Holdover", s.url)
	s.say("  curl -X POST '%s/break?how=hang'", s.url)
	s.say("       how = %s", strings.Join(ways, ", "))
	s.say("  curl -X POST %s/heal", s.url)
	s.say("  curl -X POST %s/purge", s.url)
}
