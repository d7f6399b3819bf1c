// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// tierWrite is one write to all tiers of a Tiered.
type tierWrite struct {
	t       *Tiered
	key     string
	entry   *Entry // nil = delete
	number  uint64
	failed  []error
	refused []error // too large
}

func (t *Tiered) begin(key string, e *Entry) *tierWrite {
	return &tierWrite{t: t, key: key, entry: e, number: t.writes.begin(key)}
}

func (w *tierWrite) end() { w.t.writes.end(w.key) }

// to writes to tier i, before others more, and reports whether that has what was written, or
// doesn't have what was replaced.
func (w *tierWrite) to(ctx context.Context, i, others int, write func(context.Context, Store) error) bool {
	ctx, cancel := w.t.share(ctx, i, others)
	defer cancel()
	s, behind := w.t.tiers[i], w.t.backlog[i]
	again := behind.drop(w.key) // what waited there is older
	entry, err := w.entry, write(ctx, s)
	if errors.Is(err, ErrTooLarge) {
		w.refused = append(w.refused, err)
		entry, err = nil, s.Delete(ctx, w.key) // what stands there was replaced
	}
	if err != nil {
		w.failed = append(w.failed, err)
	}
	// What was just being written from the backlog may land behind this.
	if (err != nil || again) && w.t.writes.newest(w.key, w.number) {
		behind.put(w.key, entry, err)
	}
	return err == nil
}

// failure returns what went wrong. That an entry is too large for some tiers is in order.
func (w *tierWrite) failure() error {
	if len(w.refused) == len(w.t.tiers) {
		return w.refused[0]
	}
	return errors.Join(w.failed...)
}

// writeLog numbers the writes, and remembers which is the newest for each key for as long
// as one of that key is under way.
type writeLog struct {
	seed   maphash.Seed
	counts [256]atomic.Uint64 // of writes that began or ended, by hash of the key

	mu    sync.Mutex
	last  uint64
	under map[string]*writesOfKey
}

type writesOfKey struct {
	running int
	newest  uint64
}

func newWriteLog() *writeLog {
	return &writeLog{seed: maphash.MakeSeed(), under: map[string]*writesOfKey{}}
}

// count returns a number that moves with every write under the key, and with some others.
func (l *writeLog) count(key string) uint64 { return l.counter(key).Load() }

func (l *writeLog) counter(key string) *atomic.Uint64 {
	return &l.counts[maphash.String(l.seed, key)%uint64(len(l.counts))]
}

func (l *writeLog) begin(key string) (number uint64) {
	l.counter(key).Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	k := l.under[key]
	if k == nil {
		k = &writesOfKey{}
		l.under[key] = k
	}
	k.running++
	k.newest = l.last
	return l.last
}

func (l *writeLog) end(key string) {
	l.mu.Lock()
	k := l.under[key]
	if k.running--; k.running == 0 {
		delete(l.under, key)
	}
	l.mu.Unlock()
	l.counter(key).Add(1)
}

// newest reports whether no other write of the key began after the one with that number,
// which is under way.
func (l *writeLog) newest(key string, number uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.under[key].newest == number
}
