// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"sync"
)

// keyLocks let those who want the same key wait for each other, within their contexts.
// Nobody waits for another key. A key that nobody holds takes no memory.
type keyLocks struct {
	mu   sync.Mutex
	keys map[hash]*keyLock
}

type keyLock struct {
	held  chan struct{} // full while somebody holds the key
	users int           // who hold the key or wait for it
}

// lock waits for the key. It fails only with the error of its context.
func (l *keyLocks) lock(ctx context.Context, h hash) error {
	k := l.enter(h)
	select {
	case k.held <- struct{}{}:
		return nil
	default:
	}
	select {
	case k.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.leave(h, k)
		return ctx.Err()
	}
}

// tryLock takes the key if nobody holds it or waits for it.
func (l *keyLocks) tryLock(h hash) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys[h] != nil {
		return false
	}
	l.add(h).held <- struct{}{}
	return true
}

func (l *keyLocks) unlock(h hash) {
	l.mu.Lock()
	k := l.keys[h]
	l.mu.Unlock()
	<-k.held
	l.leave(h, k)
}

func (l *keyLocks) enter(h hash) *keyLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.keys[h]; k != nil {
		k.users++
		return k
	}
	return l.add(h)
}

// add needs the mutex.
func (l *keyLocks) add(h hash) *keyLock {
	if l.keys == nil {
		l.keys = make(map[hash]*keyLock)
	}
	k := &keyLock{held: make(chan struct{}, 1), users: 1}
	l.keys[h] = k
	return k
}

func (l *keyLocks) leave(h hash, k *keyLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.keys, h)
	}
}
