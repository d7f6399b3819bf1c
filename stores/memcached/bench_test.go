// SPDX-License-Identifier: MIT

package memcached_test

import (
	"context"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/storebench"
	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/stores/memcached"
)

func BenchmarkStore(b *testing.B) {
	server := testserver.Memcached(b)
	client := memcache.New(server.Addr())
	client.Timeout = time.Second
	s, err := memcached.Open(memcached.Config{Timeout: time.Second}, server.Addr())
	require.NoError(b, err)
	defer s.Close()
	storebench.Run(b, s, storebench.Plain{
		Set: func(_ context.Context, name string, value []byte) error {
			return client.Set(&memcache.Item{Key: name, Value: value, Expiration: 60})
		},
		Get: func(_ context.Context, name string) ([]byte, error) {
			item, err := client.Get(name)
			if err != nil {
				return nil, err
			}
			return item.Value, nil
		},
	})
}
