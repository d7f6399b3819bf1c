// SPDX-License-Identifier: MIT

package flight

import (
	"math"
	"time"
)

// A body that isn't kept is read by several only if it outgrew what is kept. Then they share
// one handler: it waits for all, for each of the slower ones for [Config.Patience] and half
// of the time, and for a starter that stands still as long, if it isn't alone. So nobody is
// cut off who reads half as fast as another, and nobody holds up the others for long, nor do
// many: all together patienceOfAll times as long.
const patienceOfAll = 4

// patience is how long the handler may have waited by now for one, and for all.
func (f *Flight) patience() (one, all time.Duration) {
	if f.cfg.Patience <= 0 || f.outgrown.IsZero() {
		return f.cfg.Patience, patienceOfAll * f.cfg.Patience
	}
	half := time.Since(f.outgrown) / 2
	return f.cfg.Patience + half, patienceOfAll*f.cfg.Patience + half
}

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
	one, all := f.patience()
	if f.waited >= all {
		return low
	}
	for r := range f.readers {
		if f.mayDelay(r, one) && !f.lost(r) {
			low = min(low, r.off+f.window())
		}
	}
	return low
}

// mayDelay reports whether the handler waits for a reader that doesn't set the pace. The caller
// holds the lock.
func (f *Flight) mayDelay(r *Reader, patience time.Duration) bool {
	return r.delayed < patience && (r != f.starter || f.overtaken)
}

// charge notes how long the one who sets the pace had to wait, since the handler waited for those
// who are as far behind as they may be, or nearly. The caller holds the lock.
func (f *Flight) charge(since time.Time) {
	r := f.pacer()
	if r == nil || r.starved.IsZero() {
		return
	}
	if r.starved.After(since) {
		since = r.starved
	}
	d := time.Since(since)
	f.waited += d
	for r := range f.readers {
		if r.off+f.window()/2 <= f.buf.end {
			r.delayed += d
		}
	}
}

// leftFor is how long the handler waits for them at most. The caller holds the lock.
func (f *Flight) leftFor() time.Duration {
	one, all := f.patience()
	left := all - f.waited
	for r := range f.readers {
		if f.mayDelay(r, one) && r.off+f.window() <= f.buf.end {
			left = min(left, one-r.delayed)
		}
	}
	return max(2*left, time.Millisecond) // meanwhile it grows by half of that
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
		f.charge(began)
	case d.bounded && f.starter.off > d.off:
		f.stands = 0
	case d.bounded:
		if f.stands += time.Since(began); f.stands >= f.cfg.Patience {
			f.overtaken = true
			f.starter.delayed, _ = f.patience()
		}
	}
	return true
}
