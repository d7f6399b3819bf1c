// SPDX-License-Identifier: MIT

package redis_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/redis"
)

const maxValue = 4 << 20

// cfg is patient with a busy machine.
var cfg = redis.Config{MaxValue: maxValue, Timeout: 5 * time.Second}

func powers() storetest.Features {
	return storetest.Features{
		MaxValue: maxValue, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
	}
}

// features are for stores on one server that the suite may stop.
func features(server *testserver.Server) storetest.Features {
	f := powers()
	f.Server = server
	f.Raw = func(t *testing.T, _ store.Store) storetest.Raw { return raw{t, client(t, option(server))} }
	return f
}

// raw reads and writes values beside the store.
type raw struct {
	t *testing.T
	rueidis.Client
}

func (r raw) Load(key string) []byte {
	value, err := r.Do(r.t.Context(), r.B().Get().Key(name(key)).Build()).AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil
	}
	require.NoError(r.t, err)
	return value
}

func (r raw) Save(key string, value []byte) {
	set := r.B().Set().Key(name(key)).Value(rueidis.BinaryString(value)).Build()
	require.NoError(r.t, r.Do(r.t.Context(), set).Error())
}

func name(key string) string { return store.HashedKey("holdover:", key) }

func option(server *testserver.Server) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{server.Addr()}}
}

// client is one that belongs to the test.
func client(t testing.TB, opt rueidis.ClientOption) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(redis.Options(opt))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t testing.TB, opt rueidis.ClientOption) *redis.Store {
	t.Helper()
	s, err := redis.Open(opt, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	server := testserver.Redis(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, option(server)) }, features(server))
}

func TestStoreOnAClientOfTheCaller(t *testing.T) {
	server := testserver.Redis(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := redis.New(client(t, option(server)), cfg)
		require.NoError(t, err)
		return s
	}, features(server))
}

// Whoever makes the client without Options gets its retries and its long timeouts, and a
// store that keeps its word all the same.
func TestStoreOnAClientWithoutOptions(t *testing.T) {
	server := testserver.Redis(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		c, err := rueidis.NewClient(option(server))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		s, err := redis.New(c, cfg)
		require.NoError(t, err)
		return s
	}, features(server))
}

func TestStoreWithOtherConfigs(t *testing.T) {
	server := testserver.Redis(t)
	messages, err := codec.New(codec.Config{Format: codec.MessagePack})
	require.NoError(t, err)
	plain, packed, other := cfg, cfg, cfg
	plain.Codec, packed.Codec = store.Plain, messages
	other.Prefix = `odd [*?\^] 日本 `
	old := option(server)
	old.AlwaysRESP2 = true
	for name, c := range map[string]struct {
		cfg redis.Config
		opt rueidis.ClientOption
	}{
		"plain":       {plain, option(server)},
		"MessagePack": {packed, option(server)},
		"prefix":      {other, option(server)},
		"RESP2":       {cfg, old},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := redis.Open(c.opt, c.cfg)
				require.NoError(t, err)
				return s
			}, powers())
		})
	}
}
