// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/storebench"
	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// BenchmarkStore compares the store with the client that it is made of.
func BenchmarkStore(b *testing.B) {
	for name, codec := range map[string]store.Codec{"default": nil, "plain": store.Plain} {
		b.Run(name, func(b *testing.B) {
			c := client(b, option(testserver.Redis(b)))
			s, err := redis.New(c, redis.Config{Codec: codec})
			require.NoError(b, err)
			storebench.Run(b, s, storebench.Plain{
				Set: func(ctx context.Context, name string, value []byte) error {
					return c.Do(ctx, c.B().Set().Key(name).Value(rueidis.BinaryString(value)).PxMilliseconds(60_000).Build()).Error()
				},
				Get: func(ctx context.Context, name string) ([]byte, error) {
					return c.Do(ctx, c.B().Get().Key(name).Build()).AsBytes()
				},
			})
		})
	}
}
