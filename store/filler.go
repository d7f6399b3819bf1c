// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"sync"
	"time"
)

const (
	maxFills    = 256
	fillers     = 2
	fillTimeout = time.Second
)

// filler copies entries into faster tiers behind their readers. It drops what comes while
// enough waits: it will be asked for again.
type filler struct {
	mu      sync.Mutex
	queue   []fill
	running int
	closed  bool
	ended   sync.WaitGroup
	ctx     context.Context
	stop    context.CancelFunc
}

type fill struct {
	store Store
	key   string
	entry *Entry
}

func newFiller() *filler {
	f := &filler{}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

func (f *filler) put(s Store, key string, e *Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.queue) >= maxFills {
		return
	}
	f.queue = append(f.queue, fill{s, key, e})
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
		ctx, cancel := context.WithTimeout(f.ctx, fillTimeout)
		_, _ = SetIfNewer(ctx, next.store, next.key, next.entry) // or it is found in the slower tier again
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
	f.queue = f.queue[1:]
	return next, true
}

func (f *filler) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.ended.Wait()
}
