// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxBacklog      = 1024
	maxBacklogBytes = 16 << 20
	backlogPause    = 250 * time.Millisecond // between attempts while a store fails
	backlogTimeout  = time.Second            // of an attempt
)

// backlog writes again what a store failed to take: the newest for each key. It is bounded,
// and what finds no room is dropped: the store then has something older, or nothing. Its
// goroutine runs only while there is something to write.
type backlog struct {
	store Store

	mu      sync.Mutex
	waiting map[string]*Entry // nil = delete
	active  string            // what is just being written, while busy
	busy    bool
	bytes   int
	running bool
	closed  bool
	ended   sync.WaitGroup
	ctx     context.Context
	stop    context.CancelFunc
}

func newBacklog(s Store) *backlog {
	b := &backlog{store: s, waiting: map[string]*Entry{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// put notes a write that failed. One that would fail again is not worth it.
func (b *backlog) put(key string, e *Entry, err error) {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrClosed) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(key)
	size := len(key)
	if e != nil {
		size += e.Size()
	}
	if b.closed || len(b.waiting) >= maxBacklog || b.bytes+size > maxBacklogBytes {
		return
	}
	b.waiting[key] = e
	b.bytes += size
	if !b.running {
		b.running = true
		b.ended.Add(1)
		go b.run()
	}
}

// drop forgets what waits for a key, and reports whether it is just being written.
func (b *backlog) drop(key string) (active bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(key)
	return b.busy && b.active == key
}

// has reports whether something waits for a key.
func (b *backlog) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, waits := b.waiting[key]
	return waits
}

func (b *backlog) remove(key string) {
	e, waits := b.waiting[key]
	if !waits {
		return
	}
	delete(b.waiting, key)
	b.bytes -= len(key)
	if e != nil {
		b.bytes -= e.Size()
	}
}

// run tries until nothing waits any more.
func (b *backlog) run() {
	defer b.ended.Done()
	timer := time.NewTimer(backlogPause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-b.ctx.Done():
			return
		}
		for {
			key, e, some := b.any()
			if !some {
				return
			}
			if b.write(key, e) != nil {
				break
			}
		}
		timer.Reset(backlogPause)
	}
}

// any returns one of what waits. Where nothing does, the goroutine ends.
func (b *backlog) any() (key string, e *Entry, some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, e := range b.waiting {
		b.active, b.busy = key, true
		return key, e, true
	}
	b.running = false
	return "", nil, false
}

// write tries once more. A newer write of the same key, made meanwhile, has taken the place
// of this one: then it is left alone.
func (b *backlog) write(key string, e *Entry) error {
	ctx, cancel := context.WithTimeout(b.ctx, backlogTimeout)
	defer cancel()
	err := guarded(func() (err error) {
		if e != nil {
			_, err = SetIfNewer(ctx, b.store, key, e)
		}
		if e == nil || errors.Is(err, ErrTooLarge) { // then what it would have replaced must go
			err = b.store.Delete(ctx, key)
		}
		return err
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = false
	if now, waits := b.waiting[key]; err == nil && waits && now == e {
		b.remove(key)
	}
	return err
}

// guarded makes an error of a store's panic, which on a goroutine of ours would end the
// process.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the store panicked: %v", p)
		}
	}()
	return f()
}

func (b *backlog) close() error {
	b.mu.Lock()
	b.closed = true
	lost := len(b.waiting)
	b.mu.Unlock()
	b.stop()
	if !endsSoon(&b.ended) {
		return errors.New("a tier ignores its deadline; a write is still running")
	}
	if lost > 0 {
		return fmt.Errorf("%d writes that failed before are lost", lost)
	}
	return nil
}

// endsSoon waits for goroutines whose calls have been cancelled.
func endsSoon(running *sync.WaitGroup) bool {
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(backlogTimeout)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}
