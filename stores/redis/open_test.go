// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// attempts is how often a bound of time is tried: a busy machine may miss it by itself, a
// store that misses it always does so.
const attempts = 5

func TestMistakesAreRefused(t *testing.T) {
	one := rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}}
	for what, c := range map[string]struct {
		opt rueidis.ClientOption
		cfg redis.Config
	}{
		"MaxValue is -1":        {one, redis.Config{MaxValue: -1}},
		"MaxValue is 536870913": {one, redis.Config{MaxValue: 512<<20 + 1}},
		"Timeout is -1s":        {one, redis.Config{Timeout: -time.Second}},
		"MaxCalls is -1":        {one, redis.Config{MaxCalls: -1}},
		"JournalLife is -1s":    {one, redis.Config{JournalLife: -time.Second}},
		"InitAddress is empty":  {rueidis.ClientOption{}, redis.Config{}},
		"ReplicaOnly is set":    {rueidis.ClientOption{InitAddress: one.InitAddress, ReplicaOnly: true}, redis.Config{}},
		"PipelineMultiplex":     {rueidis.ClientOption{InitAddress: one.InitAddress, PipelineMultiplex: 9}, redis.Config{}},
	} {
		_, err := redis.Open(c.opt, c.cfg)
		require.ErrorContains(t, err, what)
	}
	_, err := redis.New(nil, redis.Config{})
	require.ErrorContains(t, err, "client")
}

func TestOptionsKeepWhatIsSet(t *testing.T) {
	set := rueidis.ClientOption{ConnWriteTimeout: time.Minute}
	set.Dialer.Timeout = time.Hour
	opt := redis.Options(set)
	require.Equal(t, time.Minute, opt.ConnWriteTimeout)
	require.Equal(t, time.Hour, opt.Dialer.Timeout)
	require.True(t, opt.DisableRetry)
	require.True(t, opt.DisableCache)
	require.Equal(t, time.Second, redis.Options(rueidis.ClientOption{}).Dialer.Timeout)
}

// protected starts a server that wants a password.
func protected(t *testing.T, password string) *testserver.Server {
	t.Helper()
	server := testserver.Redis(t)
	c := client(t, option(server))
	require.NoError(t, c.Do(t.Context(), c.B().ConfigSet().ParameterValue().ParameterValue("requirepass", password).Build()).Error())
	return server
}

func TestURLs(t *testing.T) {
	server := protected(t, "s/ecret")
	s, err := redis.OpenURL("redis://:s%2Fecret@"+server.Addr()+"/3", cfg)
	require.NoError(t, err)
	defer s.Close()
	e := entry(t, "url", "body")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	expect(t, s, e)
	opt := option(server)
	opt.Password, opt.SelectDB = "s/ecret", 3
	expect(t, open(t, opt), e)

	for _, url := range []string{
		"redis://:sec/ret@host:6379", "redis://:sec%zzret@host", "redis://:sec#ret@host:6379/0", "sec://ret", "redis://host/sec",
	} {
		_, err := redis.OpenURL(url, cfg)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "sec", "the error quotes no part of a password")
	}
}

func TestWrongPassword(t *testing.T) {
	opt := option(protected(t, "right"))
	opt.Password = "hunter2"
	_, err := open(t, opt).Get(t.Context(), "key")
	require.ErrorContains(t, err, "WRONGPASS")
	require.NotContains(t, err.Error(), "hunter2")
	require.NotErrorIs(t, err, store.ErrNotFound)
}

// A store may be opened before its server is there. Its calls fail at once, not at their
// deadline, and work soon after the server came.
func TestServerComesLater(t *testing.T) {
	server := testserver.Redis(t)
	server.Kill()
	var slowest time.Duration
	for range attempts {
		s := open(t, option(server))
		e := entry(t, "later", "body")
		for range 200 {
			_, err := within(t, 10*time.Second, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, e.Key()) })
			require.Error(t, err)
			require.NotErrorIs(t, err, store.ErrNotFound)
			require.NotErrorIs(t, err, context.DeadlineExceeded, "it fails at once")
		}
		server.Start()
		began := time.Now()
		require.Eventually(t, func() bool { return s.Set(t.Context(), e.Key(), e) == nil }, 10*time.Second, time.Millisecond)
		slowest = time.Since(began)
		server.Kill()
		if slowest <= 100*time.Millisecond {
			return
		}
	}
	require.Fail(t, "too slow", "it took %v in each of %d attempts", slowest, attempts)
}

// However many calls want a connection, the server's address is tried now and then.
func TestAttemptsArePaced(t *testing.T) {
	var dials atomic.Int64
	opt := rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}}
	opt.DialCtxFn = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
		dials.Add(1)
		return nil, io.EOF
	}
	s := open(t, opt)
	began := time.Now()
	for time.Since(began) < 300*time.Millisecond {
		require.ErrorIs(t, s.Ping(t.Context()), io.EOF)
	}
	took := time.Since(began)
	require.Greater(t, dials.Load(), int64(1))
	require.LessOrEqual(t, dials.Load(), int64(took/(50*time.Millisecond)+1))
}

// While the connection is being made, each call ends by its own deadline, whoever began.
func TestFirstCallsEndInTime(t *testing.T) {
	server := testserver.Redis(t)
	server.Pause()
	defer server.Resume()
	var late time.Duration
	for range attempts {
		s := open(t, option(server))
		slow := make(chan error, 1)
		go func() { slow <- s.Ping(t.Context()) }()
		began := time.Now()
		_, err := within(t, 30*time.Millisecond, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, "key") })
		late = time.Since(began) - 30*time.Millisecond
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-slow, store.ErrClosed)
		if late <= 5*time.Millisecond {
			return
		}
	}
	require.Fail(t, "too late", "%v after the deadline in each of %d attempts", late, attempts)
}

// Close leaves nothing behind, whatever the server does.
func TestCloseEndsEverything(t *testing.T) {
	for name, c := range map[string]struct{ before, after func(*testserver.Server) }{
		"well":            {nil, nil},
		"hangs from then": {nil, (*testserver.Server).Pause},
		"hung before":     {(*testserver.Server).Pause, nil},
		"dies":            {nil, (*testserver.Server).Kill},
		"was gone":        {(*testserver.Server).Kill, nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Redis(t)
			before := goroutines()
			if c.before != nil {
				c.before(server)
			}
			s := open(t, option(server))
			use(t, s)
			if c.after != nil {
				c.after(server)
				use(t, s)
			}
			began := time.Now()
			require.NoError(t, s.Close())
			require.Less(t, time.Since(began), time.Second)
			_, err := s.Get(t.Context(), "key")
			require.ErrorIs(t, err, store.ErrClosed)
			require.ErrorIs(t, s.Ping(t.Context()), store.ErrClosed)
			// The client may have planned to look at the cluster again within a second.
			require.Eventually(t, func() bool { return goroutines() <= before }, 10*time.Second, 10*time.Millisecond,
				"goroutines are left: %s", stacks{})
		})
	}
}

// use calls the store from several goroutines, with little time.
func use(t *testing.T, s store.Store) {
	done := make(chan struct{})
	for i := range 20 {
		go func() {
			defer func() { done <- struct{}{} }()
			e := entry(t, fmt.Sprint("used ", i), "body")
			_, _ = within(t, 30*time.Millisecond, func(ctx context.Context) (*store.Entry, error) {
				_ = s.Set(ctx, e.Key(), e)
				return s.Get(ctx, e.Key())
			})
		}()
	}
	for range 20 {
		<-done
	}
}

// goroutines counts those of the store and of its client.
func goroutines() (n int) {
	for stack := range strings.SplitSeq(stacks{}.String(), "\n\n") {
		if strings.Contains(stack, "rueidis") || strings.Contains(stack, "stores/redis.") {
			n++
		}
	}
	return n
}

// stacks prints what all goroutines do when it is printed.
type stacks struct{}

func (stacks) String() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// A client of the caller stays open.
func TestCloseLeavesTheClientOfTheCaller(t *testing.T) {
	c := client(t, option(testserver.Redis(t)))
	s, err := redis.New(c, cfg)
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Ping(t.Context()), store.ErrClosed)
	require.NoError(t, c.Do(t.Context(), c.B().Ping().Build()).Error())
}
