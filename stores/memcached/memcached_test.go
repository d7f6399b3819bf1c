// SPDX-License-Identifier: MIT

package memcached_test

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/memcached"
)

const maxValue = 1<<20 - 512

// raw reads and writes items beside the store.
type raw struct {
	t      *testing.T
	client *memcache.Client
}

func (r raw) Load(key string) []byte {
	item, err := r.client.Get(store.HashedKey("holdover:", key))
	if err == memcache.ErrCacheMiss {
		return nil
	}
	require.NoError(r.t, err)
	return item.Value
}

func (r raw) Save(key string, value []byte) {
	require.NoError(r.t, r.client.Set(&memcache.Item{Key: store.HashedKey("holdover:", key), Value: value, Expiration: 60}))
}

func features(s *testserver.Server) storetest.Features {
	return storetest.Features{
		MaxBody: 1 << 19, MaxValue: maxValue, Server: s,
		Raw: func(t *testing.T, _ store.Store) storetest.Raw {
			client := memcache.New(s.Addr())
			t.Cleanup(func() { require.NoError(t, client.Close()) })
			return raw{t, client}
		},
		ManyGetter: true, AbsentSetter: true, NewerSetter: true, Pinger: true, Closer: true,
	}
}

func open(t *testing.T, cfg memcached.Config, addr ...string) *memcached.Store {
	t.Helper()
	cfg.Timeout = cmp.Or(cfg.Timeout, unhurried.Timeout) // a busy machine may stop for longer than the default
	s, err := memcached.Open(cfg, addr...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	server := testserver.Memcached(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, unhurried, server.Addr()) }, features(server))
}

func TestStoreWithoutCompression(t *testing.T) {
	server := testserver.Memcached(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, memcached.Config{Codec: store.Plain}, server.Addr())
	}, features(server))
}

func TestStoreOnSeveralServers(t *testing.T) {
	addrs := []string{testserver.Memcached(t).Addr(), testserver.Memcached(t).Addr(), testserver.Memcached(t).Addr()}
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, unhurried, addrs...)
	}, storetest.Features{MaxBody: 1 << 19, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Pinger: true, Closer: true})
}

// The largest value that the config lets pass is one that the server takes.
func TestLargestValue(t *testing.T) {
	server := testserver.Memcached(t)
	s := open(t, memcached.Config{Codec: store.Plain}, server.Addr())
	r := response("largest")
	overhead := encode(t, r).Size()
	r.Body = make([]byte, maxValue-overhead)
	e := encode(t, r)
	require.Equal(t, maxValue, e.Size())
	require.NoError(t, s.Set(t.Context(), r.Key, e))
	got, err := s.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.Equal(t, e.Bytes(), got.Bytes())
}

// A server may take less than the config says.
func TestAServerThatTakesLess(t *testing.T) {
	server := testserver.Memcached(t, "-I", "512k")
	s := open(t, memcached.Config{Codec: store.Plain}, server.Addr())
	r := response("too large for it")
	require.NoError(t, s.Set(t.Context(), r.Key, encode(t, r)))
	r.Body = make([]byte, 600<<10)
	err := s.Set(t.Context(), r.Key, encode(t, r))
	require.ErrorIs(t, err, store.ErrTooLarge)
	_, err = s.Get(t.Context(), r.Key)
	require.ErrorIs(t, err, store.ErrNotFound, "memcached drops what stood there")
}

// memcached reads more than 30 days as a Unix time.
func TestLongLives(t *testing.T) {
	server := testserver.Memcached(t)
	s := open(t, memcached.Config{}, server.Addr())
	for _, days := range []int{29, 30, 31, 365, 40 * 365, 200 * 365} {
		r := response("long life")
		r.StoreUntil = time.Now().Add(time.Duration(days) * 24 * time.Hour).UnixNano()
		require.NoError(t, s.Set(t.Context(), r.Key, encode(t, r)))
		_, err := s.Get(t.Context(), r.Key)
		require.NoError(t, err, "%d days", days)
	}
}

// When all connections hang, further calls wait no longer than their contexts, and
// nothing is left behind.
func TestHangingCallsAreBounded(t *testing.T) {
	server := testserver.Memcached(t)
	s := open(t, memcached.Config{MaxConns: 3}, server.Addr())
	require.NoError(t, s.Ping(t.Context()))
	before := runtime.NumGoroutine()
	server.Pause()
	var waiting errgroup.Group
	for range 10 {
		waiting.Go(func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := s.Get(ctx, "key")
			return err
		})
	}
	require.ErrorIs(t, waiting.Wait(), context.DeadlineExceeded)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, // this one
		10*time.Second, time.Millisecond)
	server.Resume()
	require.NoError(t, s.Close(), "Close waits for them")
	_, err := s.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrClosed)
}

// One server that hangs takes no time from calls for the others.
func TestAHangingServerBesideAnother(t *testing.T) {
	one, other := testserver.Memcached(t), testserver.Memcached(t)
	s := open(t, memcached.Config{}, one.Addr(), other.Addr())
	one.Pause()
	defer one.Resume()
	works := 0
	for i := range 20 {
		r := response(fmt.Sprint("key ", i))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if s.Set(ctx, r.Key, encode(t, r)) == nil {
			works++
		}
		cancel()
	}
	require.Positive(t, works)
	require.Less(t, works, 20)
}

// After a restart every idle connection is broken. No call fails because of that.
func TestBrokenIdleConnections(t *testing.T) {
	server := testserver.Memcached(t)
	s := open(t, memcached.Config{}, server.Addr())
	hold := make(chan struct{})
	done := make(chan error)
	const connections = 20
	for range connections {
		go func() {
			<-hold
			done <- s.Ping(t.Context())
		}()
	}
	close(hold)
	for range connections {
		require.NoError(t, <-done)
	}
	server.Kill()
	server.Start()
	for i := range connections {
		require.NoError(t, s.Ping(t.Context()), "call %d", i)
	}
}

func TestConfigMistakesAreNamed(t *testing.T) {
	for field, cfg := range map[string]memcached.Config{
		"Prefix":   {Prefix: "with blank "},
		"MaxValue": {MaxValue: -1},
		"Timeout":  {Timeout: -1},
		"MaxConns": {MaxConns: -1},
	} {
		_, err := memcached.Open(cfg, "127.0.0.1:11211")
		require.ErrorContains(t, err, field)
	}
	_, err := memcached.Open(memcached.Config{Prefix: strings.Repeat("p", 219)}, "127.0.0.1:11211")
	require.ErrorContains(t, err, "Prefix")
	_, err = memcached.Open(memcached.Config{})
	require.ErrorContains(t, err, "servers")
	_, err = memcached.New(nil, memcached.Config{MaxConns: -1})
	require.ErrorContains(t, err, "selector")
	require.ErrorContains(t, err, "MaxConns", "all mistakes at once")
}

func response(key string) store.Response {
	now := time.Now()
	return store.Response{
		Key: key, Status: 200, Fields: []store.Field{}, Body: []byte{}, RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(),
		StoreUntil: now.Add(time.Hour).UnixNano(), StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	}
}

func encode(t *testing.T, r store.Response) *store.Entry {
	t.Helper()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}
