// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/redis/rueidis"
)

// conns are the connections of one client, so that all of them can be closed: also one
// on which it waits for a greeting, or that it made after it was closed itself.
type conns struct {
	next dialFunc
	life context.Context // ends when they are closed
	end  context.CancelFunc

	mu   sync.Mutex
	open map[*conn]struct{}
}

type dialFunc func(ctx context.Context, addr string, dialer *net.Dialer, cfg *tls.Config) (net.Conn, error)

func newConns(opt rueidis.ClientOption) *conns {
	c := &conns{next: dialerOf(opt), open: map[*conn]struct{}{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// dialerOf returns how the client would connect by itself.
func dialerOf(opt rueidis.ClientOption) dialFunc {
	switch {
	case opt.DialCtxFn != nil:
		return opt.DialCtxFn
	case opt.DialFn != nil:
		return func(_ context.Context, addr string, dialer *net.Dialer, cfg *tls.Config) (net.Conn, error) {
			return opt.DialFn(addr, dialer, cfg)
		}
	}
	return func(ctx context.Context, addr string, dialer *net.Dialer, cfg *tls.Config) (net.Conn, error) {
		if cfg == nil {
			return dialer.DialContext(ctx, "tcp", addr)
		}
		encrypted := tls.Dialer{NetDialer: dialer, Config: cfg}
		return encrypted.DialContext(ctx, "tcp", addr)
	}
}

func (c *conns) dial(ctx context.Context, addr string, dialer *net.Dialer, cfg *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	raw, err := c.next(ctx, addr, dialer, cfg)
	if err != nil {
		return nil, err
	}
	made := &conn{raw, c}
	c.mu.Lock()
	c.open[made] = struct{}{}
	c.mu.Unlock()
	if c.life.Err() != nil { // closed meanwhile
		made.Close()
		return nil, net.ErrClosed
	}
	return made, nil
}

// close closes all connections. There will be no new ones.
func (c *conns) close() {
	c.end()
	c.mu.Lock()
	open := slices.Collect(maps.Keys(c.open))
	c.mu.Unlock()
	for _, one := range open {
		one.Close()
	}
}

// conn is a connection that is forgotten when it is closed.
type conn struct {
	net.Conn
	of *conns
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
