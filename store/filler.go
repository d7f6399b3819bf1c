// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	maxFills     = 256
	maxFillBytes = 16 << 20
	fillers      = 2
	fillTimeout  = time.Second
)

// filler copies entries into faster tiers behind their readers. It drops what comes while
// enough waits: it will be asked for again.
type filler struct {
	writes *writeLog

	mu      sync.Mutex
	queue   []fill
	bytes   int
	running int
	closed  bool
	ended   sync.WaitGroup
	ctx     context.Context
	stop    context.CancelFunc
}

// fill is an entry to be copied, unless something is written under its key before.
type fill struct {
	store  Store
	key    string
	entry  *Entry
	before uint64 // see writeLog.count
}

func newFiller(writes *writeLog) *filler {
	f := &filler{writes: writes}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

func (f *filler) put(next fill) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.queue) >= maxFills || f.bytes+next.entry.Size() > maxFillBytes {
		return
	}
	f.queue = append(f.queue, next)
	f.bytes += next.entry.Size()
	if f.running < fillers {
		f.running++
		f.ended.Add(1)
		go f.run()
	}
}

// run copies until nothing waits.
func (f *filler) run() {
	defer f.ended.Done()
	for {
		next, some := f.next()
		if !some {
			return
		}
		if f.writes.count(next.key) != next.before {
			continue
		}
		ctx, cancel := context.WithTimeout(f.ctx, fillTimeout)
		_ = guarded(func() error { // or it is found in the slower tier again
			_, err := SetIfNewer(ctx, next.store, next.key, next.entry)
			return err
		})
		cancel()
	}
}

func (f *filler) next() (fill, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 || f.closed {
		f.running--
		return fill{}, false
	}
	next := f.queue[0]
	f.queue[0] = fill{} // the array lets go of it
	f.bytes -= next.entry.Size()
	if f.queue = f.queue[1:]; len(f.queue) == 0 {
		f.queue = nil
	}
	return next, true
}

func (f *filler) close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	if !endsSoon(&f.ended) {
		return errors.New("a tier ignores its deadline; a copy is still being made")
	}
	return nil
}
