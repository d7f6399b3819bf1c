// SPDX-License-Identifier: MIT

package memory

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sweepEvery is how long an expired entry that nobody asks for may keep
	// its memory. It is never returned, whether swept or not.
	sweepEvery = time.Minute

	// pageLen is how many entries are looked at under one lock.
	pageLen = 256
)

// sweeper calls run a minute after arm, and again every minute for as long as
// that reports that there is something left. It owns a timer and no goroutine.
type sweeper struct {
	run   func() (more bool)
	armed atomic.Bool

	mu     sync.Mutex
	timer  *time.Timer
	closed bool
	active sync.WaitGroup
}

// arm makes sure that a sweep will come. Whoever adds an entry calls it
// afterwards, so that either it sees that no sweep is to come, or the sweep
// that just ends sees the entry.
func (w *sweeper) arm() {
	if w.armed.Load() || w.armed.Swap(true) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.active.Add(1)
	w.timer = time.AfterFunc(sweepEvery, w.fire)
}

func (w *sweeper) fire() {
	defer w.active.Done()
	w.armed.Store(false)
	if w.run() {
		w.arm()
	}
}

// close stops the timer and waits for a sweep under way.
func (w *sweeper) close() {
	w.mu.Lock()
	if !w.closed && w.timer != nil && w.timer.Stop() {
		w.active.Done()
	}
	w.closed = true
	w.mu.Unlock()
	w.active.Wait()
}

// dropExpired removes what has expired and reports whether anything is left.
func (s *Store) dropExpired() (more bool) {
	s.clock.set()
	buf := make([]*resident, 0, pageLen)
	for _, sh := range s.shards {
		more = sh.dropExpired(s.clock.now(), buf) || more
	}
	return more
}

func (s *shard) dropExpired(now int64, buf []*resident) (more bool) {
	for page, from := s.page(math.MaxInt, buf); len(page) > 0; page, from = s.page(from, buf) {
		expired := page[:0]
		for _, r := range page {
			if r.expired(now) {
				expired = append(expired, r)
			}
		}
		more = more || len(expired) < len(page)
		s.drop(expired...)
	}
	return more
}
