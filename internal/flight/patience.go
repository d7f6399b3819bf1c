// SPDX-License-Identifier: MIT

package flight

import (
	"math"
	"time"
)

// A body that isn't kept is read by several only if it outgrew what is kept. Then they share
// one handler: it waits for all, for each of the slower ones for [Config.Patience], and for a
// starter that stands still as long, if it isn't alone. So nobody is cut off for being a little
// slower than another, and nobody holds up the others for long, nor do many: together
// patienceOfAll times as long.
const patienceOfAll = 4

// delay says for whom a handler waits.
type delay struct {
	changed <-chan struct{} // closed when it is worth to ask again
	left    time.Duration   // for how long, where others wait as well
	bounded bool
	slower  bool  // it waits for one that doesn't set the pace
	off     int64 // else how far the starter is
}

// window is how far behind a reader may be before the handler waits for it.
func (f *Flight) window() int64 { return max(f.cfg.Limit, f.cfg.Lead+1) }

// slowest returns how far the body may go for those who don't set the pace. The caller holds
// the lock.
func (f *Flight) slowest() int64 {
	low := int64(math.MaxInt64)
	if f.waited >= patienceOfAll*f.cfg.Patience {
		return low
	}
	for r := range f.readers {
		if f.mayDelay(r) && !f.lost(r) {
			low = min(low, r.off+f.window())
		}
	}
	return low
}

// mayDelay reports whether the handler waits for a reader that doesn't set the pace. The caller
// holds the lock.
func (f *Flight) mayDelay(r *Reader) bool {
	return r.delayed < f.cfg.Patience && (r != f.starter || f.overtaken)
}

// charge notes how long the handler has waited for those who are as far behind as they may be, and
// for those who are nearly. The caller holds the lock.
func (f *Flight) charge(d time.Duration) {
	f.waited += d
	for r := range f.readers {
		if r.off+f.window()/2 <= f.buf.end {
			r.delayed += d
		}
	}
}

// leftFor is how long the handler waits for them at most. The caller holds the lock.
func (f *Flight) leftFor() time.Duration {
	left := patienceOfAll*f.cfg.Patience - f.waited
	for r := range f.readers {
		if f.mayDelay(r) && r.off+f.window() <= f.buf.end {
			left = min(left, f.cfg.Patience-r.delayed)
		}
	}
	return left
}

// delayed says for whom the handler waits now. The caller holds the lock.
func (f *Flight) delayed() delay {
	d := delay{changed: f.wait()}
	switch _, reading := f.readers[f.starter]; {
	case f.cfg.Patience <= 0 || len(f.readers) < 2:
	case f.slowest() <= f.buf.end:
		d.slower, d.bounded, d.left = true, true, f.leftFor()
	case reading && !f.overtaken:
		d.bounded, d.left, d.off = true, f.cfg.Patience-f.stands, f.starter.off
	}
	return d
}

// await returns when it is worth to go on. False means that the flight has ended.
func (f *Flight) await(d delay) bool {
	var over <-chan time.Time
	if d.bounded {
		timer := time.NewTimer(d.left)
		defer timer.Stop()
		over = timer.C
	}
	began := time.Now()
	select {
	case <-d.changed:
	case <-over:
	case <-f.ctx.Done():
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case d.slower:
		f.charge(time.Since(began))
	case d.bounded && f.starter.off > d.off:
		f.stands = 0
	case d.bounded:
		if f.stands += time.Since(began); f.stands >= f.cfg.Patience {
			f.overtaken, f.starter.delayed = true, f.cfg.Patience
		}
	}
	return true
}
