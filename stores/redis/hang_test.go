// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// Far more calls than the client's queues and the store's slots hold meet a server that
// hangs. All end by their deadline, and soon after the server goes on the store works.
func TestMoreCallsThanPlaces(t *testing.T) {
	const calls, deadline = 5000, 50 * time.Millisecond
	server := testserver.Redis(t)
	s := open(t, option(server))
	e := entry(t, "hang", "body")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	var slowest time.Duration
	for range attempts {
		server.Pause()
		began := time.Now()
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() {
				_, err := within(t, deadline, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, e.Key()) })
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
			})
		}
		wg.Wait()
		require.Less(t, time.Since(began), deadline+2*time.Second)
		require.Less(t, goroutines(), 1100, "what nobody waits for is bounded too: by MaxCalls")
		server.Resume()
		began = time.Now()
		require.Eventually(t, func() bool {
			_, err := within(t, deadline, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, e.Key()) })
			return err == nil
		}, 10*time.Second, time.Millisecond)
		if slowest = time.Since(began); slowest <= 100*time.Millisecond {
			return
		}
	}
	require.Fail(t, "too slow", "the store took %v to work again, in each of %d attempts", slowest, attempts)
}

// stubborn dials like net.Dialer, or once it is told so waits for the end of the context.
type stubborn struct {
	waits   atomic.Bool
	waiting atomic.Int64
}

func (s *stubborn) dial(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
	if s.waits.Load() {
		s.waiting.Add(1)
		defer s.waiting.Add(-1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return dialer.DialContext(ctx, "tcp", addr)
}

// The application uses the client too, and gives up connecting while the store waits for the
// same connection. The store's call has failed then, but wasn't cancelled.
func TestOthersCancelTheirOwnCalls(t *testing.T) {
	server := testserver.Redis(t)
	var dialer stubborn
	opt := option(server)
	opt.DialCtxFn, opt.PipelineMultiplex = dialer.dial, -1
	c := client(t, opt)
	s, err := redis.New(c, cfg)
	require.NoError(t, err)

	dialer.waits.Store(true)
	server.Kill()
	require.Eventually(t, func() bool { // the client has noticed, and connects
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return c.Do(ctx, c.B().Ping().Build()).Error() == context.DeadlineExceeded
	}, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	go c.Do(ctx, c.B().Ping().Build())
	require.Eventually(t, func() bool { return dialer.waiting.Load() == 1 }, 10*time.Second, time.Millisecond)
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = within(t, 10*time.Second, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, "key") })
	require.ErrorContains(t, err, "another call gave up connecting")
	require.NotErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, store.ErrNotFound)
}

// Connecting takes longer than the deadlines of the calls, as over a long way with TLS. The
// connection comes about all the same.
func TestSlowConnecting(t *testing.T) {
	server := testserver.Redis(t)
	for name, open := range map[string]func(opt rueidis.ClientOption) *redis.Store{
		"Open": func(opt rueidis.ClientOption) *redis.Store { return open(t, opt) },
		"New": func(opt rueidis.ClientOption) *redis.Store {
			s, err := redis.New(client(t, opt), cfg)
			require.NoError(t, err)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			opt := option(server)
			opt.DialCtxFn = func(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
				select {
				case <-time.After(60 * time.Millisecond):
					return dialer.DialContext(ctx, "tcp", addr)
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			s := open(opt)
			for range 2 {
				require.Eventually(t, func() bool {
					_, err := within(t, 20*time.Millisecond, func(ctx context.Context) (*store.Entry, error) { return nil, s.Ping(ctx) })
					return err == nil
				}, 10*time.Second, time.Millisecond)
				server.Restart()
			}
		})
	}
}

// What was given to the client panics, such as a hook. That ends a call, not the process.
func TestPanicOfTheClient(t *testing.T) {
	s := onClient(t, panicking{client(t, option(testserver.Redis(t)))})
	_, err := s.Get(t.Context(), "key")
	require.ErrorContains(t, err, "no vault")
	require.NoError(t, s.Close())

	opt := option(testserver.Redis(t))
	opt.ForceSingleClient = true
	opt.AuthCredentialsFn = func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) { panic("no vault") }
	s = open(t, opt)
	_, err = s.Get(t.Context(), "key")
	require.ErrorContains(t, err, "no vault")
}

type panicking struct{ rueidis.Client }

func (panicking) Do(context.Context, rueidis.Completed) rueidis.RedisResult { panic("no vault") }
