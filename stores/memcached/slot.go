// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// slot is what one call at a time uses: a client of its own, with at most one connection
// to each server. The client knows nothing of contexts; it only sets deadlines on its
// connections, so the slot hands out connections that keep to the call's.
type slot struct {
	client *memcache.Client

	limit int // of a value in bytes

	mu       sync.Mutex
	call     context.Context // of the call under way
	deadline time.Time       // its deadline
	conns    map[*conn]struct{}
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func newSlot(servers memcache.ServerSelector, dial dialer, limit int) *slot {
	s := &slot{client: memcache.NewFromSelector(servers), limit: limit, conns: map[*conn]struct{}{}}
	s.client.MaxIdleConns = 1
	s.client.Timeout = time.Hour // the call's deadline is earlier
	s.client.DialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		return s.dial(dial, network, address)
	}
	return s
}

func (s *slot) dial(dial dialer, network, address string) (net.Conn, error) {
	nc, err := dial(s.context(), network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, slot: s, guard: guard{limit: s.limit}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return c, nil
}

// context is for dialing, which the client does with a context of its own.
func (s *slot) context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

// begin is told of the call, whose context has a deadline.
func (s *slot) begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = ctx
	s.deadline, _ = ctx.Deadline()
}

// end lets go of the call.
func (s *slot) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = nil
}

// interrupt ends the call under way.
func (s *slot) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = time.Unix(1, 0)
	for c := range s.conns {
		_ = c.Conn.SetDeadline(s.deadline) // a closed one needs none
	}
}

// conn is a connection whose deadline is that of the slot's call.
type conn struct {
	net.Conn
	slot  *slot
	guard guard
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if wrong := c.guard.see(p[:n]); wrong != nil {
		return 0, wrong
	}
	return n, err
}

// SetDeadline sets the call's deadline, whatever the client asks for.
func (c *conn) SetDeadline(time.Time) error {
	c.slot.mu.Lock() // interrupt comes before or after, not in between
	defer c.slot.mu.Unlock()
	return c.Conn.SetDeadline(c.slot.deadline)
}

func (c *conn) Close() error {
	c.slot.mu.Lock()
	delete(c.slot.conns, c)
	c.slot.mu.Unlock()
	return c.Conn.Close()
}
