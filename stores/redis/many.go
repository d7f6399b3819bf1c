// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

// maxBatch is how many commands go out at once. The client takes a connection of its own
// for two thousand.
const maxBatch = 500

// GetMany returns the entries under keys. Up to 500 take one round trip; in a cluster that is
// one for each node, all at the same time.
func (s *Store) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entries := make([]*store.Entry, 0, len(keys))
	var unreadable error
	for batch := range slices.Chunk(keys, maxBatch) {
		replies, err := s.getBatch(ctx, batch)
		if err != nil {
			return nil, s.failure("get many", err)
		}
		for i, reply := range replies {
			e, err := s.read(batch[i], reply)
			switch {
			case errors.Is(err, store.ErrFormat):
				unreadable = err
			case err != nil && !errors.Is(err, store.ErrNotFound):
				return nil, err
			}
			entries = append(entries, e)
		}
	}
	return entries, unreadable
}

// getBatch asks for each key alone: MGET doesn't tell of what it can't read, and takes
// only keys of one slot.
func (s *Store) getBatch(ctx context.Context, keys []string) ([]rueidis.RedisResult, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = s.name(key)
	}
	return call(ctx, s, func(ctx context.Context, c rueidis.Client) ([]rueidis.RedisResult, error) {
		return getAll(ctx, c, names), nil
	})
}

func getAll(ctx context.Context, c rueidis.Client, names []string) []rueidis.RedisResult {
	commands := make(rueidis.Commands, len(names))
	for i, name := range names {
		commands[i] = c.B().Get().Key(name).Build()
	}
	return c.DoMulti(ctx, commands...)
}

func (s *Store) read(key string, reply rueidis.RedisResult) (*store.Entry, error) {
	value, err := reply.AsBytes()
	if err != nil {
		return nil, s.failure("get many", err)
	}
	return s.values.Decode(key, value)
}
