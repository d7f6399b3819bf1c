// SPDX-License-Identifier: MIT

package holdover

import (
	"sync/atomic"
	"time"
)

// stepDetector notices when the wall clock is set back. It keeps the latest instant
// seen: time that runs backwards by more than maxSkew is a step.
type stepDetector struct{ latest atomic.Int64 }

// suspects reports whether now lies so far behind that the clock seems to be set back.
func (s *stepDetector) suspects(now int64) bool { return s.latest.Load()-now > int64(maxSkew) }

// stepped reports whether the clock was set back just before now, once per step, and what it
// had shown at the latest.
func (s *stepDetector) stepped(now int64) (before int64, back bool) {
	for {
		latest := s.latest.Load()
		if now >= latest {
			// A coarse maximum is enough, and spares the hit path a write.
			if now-latest < int64(time.Second) || s.latest.CompareAndSwap(latest, now) {
				return 0, false
			}
			continue
		}
		if latest-now <= int64(maxSkew) {
			return 0, false
		}
		if s.latest.CompareAndSwap(latest, now) {
			return latest, true
		}
	}
}

// wallClock tells Unix nanoseconds. Between two readings of the wall clock, at least
// one a second, it counts on with the monotonic clock, which is read in half the time.
type wallClock struct{ anchor atomic.Pointer[anchor] }

type anchor struct {
	at   time.Time
	wall int64
}

func (w *wallClock) now() int64 {
	if a := w.anchor.Load(); a != nil {
		if d := time.Since(a.at); d < time.Second {
			return a.wall + int64(d)
		}
	}
	at := time.Now()
	w.anchor.Store(&anchor{at: at, wall: at.UnixNano()})
	return at.UnixNano()
}

// now reads the clock, once per request. After a step back the age of what is
// stored is unknown: all of it counts as softly purged, that is stale.
func (c *Cache) now() int64 {
	now := c.clock()
	if c.steps.suspects(now) { // or this goroutine slept after reading the clock
		now = c.clock()
	}
	if before, back := c.steps.stepped(now); back {
		c.marks.StepBack(before)
		c.log.Warn("the clock was set back; stored responses are revalidated")
	}
	return now
}
