// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

const (
	// reconnectPause is how long after a failed attempt the next one may begin.
	reconnectPause = 50 * time.Millisecond
	// closeGrace is how long a client may take to close by itself.
	closeGrace = 100 * time.Millisecond
)

// link is a client that is made when it is first needed. rueidis.NewClient fails where
// there is no server, and takes no context.
type link struct {
	opt   rueidis.ClientOption
	conns *conns
	ready atomic.Pointer[rueidis.Client] // nil until connected

	mu      sync.Mutex
	closed  bool
	last    *attempt
	running sync.WaitGroup
}

// attempt is one try to connect. Its results may be read once done is closed.
type attempt struct {
	done  chan struct{}
	err   error
	ended time.Time
}

func newLink(opt rueidis.ClientOption) *link {
	l := &link{conns: newConns(opt)}
	opt.DialFn, opt.DialCtxFn = nil, l.conns.dial
	l.opt = opt
	return l
}

// client returns the client. Where there is none it waits for the attempt under way, which
// it starts if need be.
func (l *link) client(ctx context.Context) (rueidis.Client, error) {
	if c := l.ready.Load(); c != nil {
		return *c, nil
	}
	a := l.attempt()
	if a == nil {
		return nil, store.ErrClosed
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	return *l.ready.Load(), nil
}

// attempt returns the attempt under way, or the last one if it is too early for another.
// It returns nil if the link is closed.
func (l *link) attempt() *attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case l.last != nil && !l.last.stale():
		return l.last
	}
	a := &attempt{done: make(chan struct{})}
	l.last = a
	l.running.Go(func() { l.connect(a) })
	return a
}

// stale reports whether the attempt has failed long enough ago.
func (a *attempt) stale() bool {
	select {
	case <-a.done:
		return a.err != nil && time.Since(a.ended) >= reconnectPause
	default:
		return false
	}
}

// connect makes the client. It is bounded by the timeouts of the options, and by close.
func (l *link) connect(a *attempt) {
	defer close(a.done)
	defer func() { a.ended = time.Now() }()
	defer survive(&a.err)
	client, err := rueidis.NewClient(l.opt)
	if err == nil {
		l.ready.Store(&client)
		return
	}
	a.err = err
	if client != nil { // as with ForceSingleClient
		client.Close()
	}
}

// close closes the client and all its connections. A client that waits for a server which
// hangs is helped by having them closed first.
func (l *link) close() bool {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	help := time.AfterFunc(closeGrace, l.conns.close)
	defer help.Stop()
	defer l.conns.close()
	l.running.Wait()
	if c := l.ready.Load(); c != nil {
		(*c).Close()
	}
	return true
}
