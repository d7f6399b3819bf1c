// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/holdover-go/holdover/store"
)

// call runs f with a client that ends by the context's deadline, or when the context is
// cancelled.
func call[T any](ctx context.Context, s *Store, f func(*memcache.Client) (T, error)) (result T, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return result, err
	}
	sl, err := s.pool.take(ctx)
	if err != nil {
		return result, err
	}
	defer s.pool.put(sl)
	sl.begin(ctx)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		sl.interrupt()
	})
	result, err = twice(sl.client, f)
	if !stop() {
		<-interrupted // or it would meet the slot's next call
	}
	if err != nil && (timedOut(err) || errors.Is(err, context.Canceled)) {
		return result, orDeadline(ctx.Err())
	}
	return result, err
}

// orDeadline: the connection's timer may run out before the context's.
func orDeadline(err error) error {
	if err == nil {
		return context.DeadlineExceeded
	}
	return err
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, new(*memcache.ConnectTimeoutError))
}

// do is call for what has no result but its error.
func (s *Store) do(ctx context.Context, f func(*memcache.Client) error) error {
	_, err := call(ctx, s, func(c *memcache.Client) (struct{}, error) { return struct{}{}, f(c) })
	return err
}

// bounded gives a context without a deadline the one of the config.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, set := ctx.Deadline(); set {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, time.Now().Add(s.cfg.Timeout))
}

// twice runs f again where it found a connection that broke while it was idle, as all
// are after a restart of the server. What f does can be done twice, but for an add or a
// compare-and-swap that was done: its second run reports that it didn't set, which is
// what a write that lost a race reports as well.
func twice[T any](client *memcache.Client, f func(*memcache.Client) (T, error)) (T, error) {
	result, err := f(client)
	if !brokenIdle(err) {
		return result, err
	}
	_ = client.Close() // the idle connections; the client goes on
	return f(client)
}

func brokenIdle(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// failure classifies what the client and the servers say. They know texts only.
func (s *Store) failure(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, memcache.ErrCacheMiss):
		return store.ErrNotFound
	case errors.Is(err, errTooLong):
		err = fmt.Errorf("%w: %w: %w", store.ErrNotFound, store.ErrFormat, err)
		return &store.Error{Store: "memcached", Op: op, Err: err}
	case strings.Contains(err.Error(), "object too large"):
		err = store.ErrTooLarge // Config.MaxValue is more than the server takes
	}
	return s.values.Failure(op, err)
}
