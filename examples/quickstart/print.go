// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) title(format string, args ...any) {
	s.say("\n"+format, args...)
}

// compare prints what visitors saw on both sides, and adds it up.
func (s *story) compare(with, bare tally) {
	s.with.add(with)
	s.bare.add(bare)
	s.side("without Holdover", bare)
	s.side("with Holdover", with)
	s.say("  e.g. Cache-Status: %s", with.sample)
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
	s.title("Now it is your turn. Serving on %s until you press Ctrl-C:", s.url)
	s.say("  curl -i %s/time                     # look at Cache-Status", s.url)
	s.say("  curl -i %s/bare/time                # the same without Holdover", s.url)
	s.say("  curl -X POST '%s/break?how=hang'    # or %s", s.url, strings.Join(ways, ", "))
	s.say("  curl -X POST %s/heal", s.url)
	s.say("  curl -X POST %s/purge", s.url)
}
