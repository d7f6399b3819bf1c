// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/holdover-go/holdover/store"
)

// Bounds of the queue of store writes.
const (
	maxQueued = 4096
	writers   = 4

	// minWriteTime is what a write gets at least: nobody waits for it, and a large
	// body takes a while.
	minWriteTime = time.Second
)

// write is one store write: an entry to set, or a key to delete.
type write struct {
	entry  *store.Entry // nil = delete
	absent bool         // set only where nothing stands
	newer  bool         // set only where nothing newer stands
}

func (w write) size() int64 {
	if w.entry == nil {
		return 0
	}
	return int64(w.entry.Size())
}

// writeQueue keeps store writes off the clients' path. It holds the newest write
// per key, and lookups see what is queued, so that nobody misses what was just
// fetched. A store in this process is written at once: that is quicker.
type writeQueue struct {
	c       *Cache
	local   bool
	memory  store.Store   // the first tier, if that is in this process
	timeout time.Duration // of one write

	mu      sync.Mutex
	pending map[string]write
	bytes   int64 // of the pending entries
	order   []string
	active  map[string]bool
	running int
	closed  bool
	idle    *sync.Cond
	awaited map[string]chan struct{} // closed once the key isn't pending any more
}

func newWriteQueue(c *Cache) *writeQueue {
	q := &writeQueue{
		c: c, local: store.IsLocal(c.store), timeout: max(c.cfg.StoreTimeout, minWriteTime),
		pending: map[string]write{}, active: map[string]bool{}, awaited: map[string]chan struct{}{},
	}
	if fast := store.FastOf(c.store); !q.local && store.IsLocal(fast) {
		q.memory = fast
	}
	q.idle = sync.NewCond(&q.mu)
	return q
}

// put queues a write.
func (q *writeQueue) put(key string, w write) {
	if w.entry != nil {
		q.c.seen.add(w.entry.URLHash())
	}
	if q.local {
		q.perform(key, w)
		return
	}
	q.toMemory(key, w)
	q.mu.Lock()
	defer q.mu.Unlock()
	if old, queued := q.pending[key]; queued {
		if old.entry == nil { // what stood is being deleted
			w.absent = false
		}
		late := w.newer && old.entry != nil && !w.entry.Newer(old.entry)
		if !late && !w.absent {
			q.bytes += w.size() - old.size()
			q.pending[key] = w
		}
		return
	}
	if q.closed || len(q.pending) >= maxQueued || q.bytes+w.size() > q.c.cfg.MaxInFlight {
		q.c.counters.add(cWritesDropped)
		return
	}
	q.pending[key] = w
	q.bytes += w.size()
	q.order = append(q.order, key)
	if q.running < writers {
		q.running++
		go q.drain()
	}
}

// toMemory writes to the tier in this process at once: neither a queue that is full nor a
// tier behind that hangs keeps anything out of it. Conditions are for the last tier to judge.
func (q *writeQueue) toMemory(key string, w write) {
	switch {
	case q.memory == nil || w.absent || w.newer:
	case w.entry == nil:
		_ = q.memory.Delete(context.Background(), key)
	default:
		_ = q.memory.Set(context.Background(), key, w.entry) // where it is too large, the tiers behind have it
	}
}

// get returns what is queued for key: the entry, and whether anything is.
func (q *writeQueue) get(key []byte) (*store.Entry, bool) {
	if q.local {
		return nil, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	w, queued := q.pending[string(key)]
	if w.absent {
		return nil, false
	}
	return w.entry, queued
}

// await waits until none of the keys is queued any more, at most for limit. False means that
// one still is.
func (q *writeQueue) await(keys []string, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for _, key := range keys {
		select {
		case <-q.written(key):
		case <-timer.C:
			return false
		}
	}
	return true
}

// written returns a channel that is closed once the key isn't queued.
func (q *writeQueue) written(key string) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	done := q.awaited[key]
	if done == nil {
		done = make(chan struct{})
		q.awaited[key] = done
	}
	if _, queued := q.pending[key]; !queued {
		q.done(key)
	}
	return done
}

// done wakes who waits for a key. The caller holds the lock.
func (q *writeQueue) done(key string) {
	if done := q.awaited[key]; done != nil {
		close(done)
		delete(q.awaited, key)
	}
}

// drain writes until nothing is queued. Writes of one key never overlap.
func (q *writeQueue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		key, w, found := q.next()
		if !found {
			q.running--
			q.idle.Broadcast()
			return
		}
		q.active[key] = true
		q.mu.Unlock()
		q.perform(key, w)
		q.mu.Lock()
		delete(q.active, key)
		if now := q.pending[key]; now == w {
			delete(q.pending, key)
			q.bytes -= w.size()
			q.done(key)
		} else {
			q.order = append(q.order, key)
		}
	}
}

// next takes the oldest key that nobody is writing. It stays pending meanwhile, to
// be seen by lookups.
func (q *writeQueue) next() (string, write, bool) {
	for i, key := range q.order {
		if !q.active[key] {
			q.order = slices.Delete(q.order, i, i+1)
			return key, q.pending[key], true
		}
	}
	return "", write{}, false
}

func (q *writeQueue) perform(key string, w write) {
	ctx, cancel := context.WithTimeout(context.Background(), q.timeout)
	defer cancel()
	err := q.c.guard("set", func() error {
		switch {
		case w.entry == nil:
			return q.c.store.Delete(ctx, key)
		case w.absent:
			_, err := store.SetIfAbsent(ctx, q.c.store, key, w.entry)
			return err
		case w.newer:
			_, err := store.SetIfNewer(ctx, q.c.store, key, w.entry)
			return err
		}
		return q.c.store.Set(ctx, key, w.entry)
	})
	if err == nil {
		q.c.storeWorks(&q.c.writing)
	} else {
		q.c.storeFailed(&q.c.writing, err)
	}
	if w.entry != nil && errors.Is(err, store.ErrTooLarge) && !w.absent && !w.newer {
		q.perform(key, write{}) // the origin has replaced what stands there
	}
}

// close refuses further writes and gives those that are queued the time of one. The
// rest is dropped; a write under way gets as much again, to end by its deadline.
func (q *writeQueue) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.waitIdle() {
		return nil
	}
	q.order = nil
	if q.waitIdle() {
		return nil
	}
	return errors.New("the store ignores its deadline; a write is still running")
}

// waitIdle waits until no writer runs. The caller holds the lock.
func (q *writeQueue) waitIdle() bool {
	late := false
	timer := time.AfterFunc(q.timeout, func() {
		q.mu.Lock()
		late = true
		q.mu.Unlock()
		q.idle.Broadcast()
	})
	defer timer.Stop()
	for q.running > 0 && !late {
		q.idle.Wait()
	}
	return q.running == 0
}
