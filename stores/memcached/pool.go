// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"errors"
	"sync"

	"github.com/holdover-go/holdover/store"
)

// pool hands out slots, the one that was used last first: its connections are warm.
type pool struct {
	make func() *slot
	free chan struct{} // a token for each slot that may be taken

	closing sync.Once
	failed  error // of closing

	mu     sync.Mutex
	idle   []*slot
	closed bool
}

func newPool(size int, make func() *slot) *pool {
	p := &pool{make: make, free: newTokens(size)}
	return p
}

func newTokens(n int) chan struct{} {
	tokens := make(chan struct{}, n)
	for range n {
		tokens <- struct{}{}
	}
	return tokens
}

// take returns a slot, waiting for one as long as the context allows.
func (p *pool) take(ctx context.Context) (*slot, error) {
	select {
	case <-p.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.free <- struct{}{}
		return nil, store.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	return p.make(), nil
}

func (p *pool) put(s *slot) {
	s.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
	p.free <- struct{}{}
}

// close waits for the slots that are taken, which is not longer than their calls'
// deadlines, and closes the connections of all.
func (p *pool) close() error {
	p.closing.Do(func() { p.failed = p.closeAll() })
	return p.failed
}

func (p *pool) closeAll() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for range cap(p.free) {
		<-p.free
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed []error
	for _, s := range p.idle {
		failed = append(failed, s.client.Close())
	}
	p.idle = nil
	for range cap(p.free) { // for calls to find that it is closed
		p.free <- struct{}{}
	}
	return errors.Join(failed...)
}
