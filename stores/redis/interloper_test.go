// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"slices"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/stores/redis"
)

// interloper is a client that does something of its own before the next script runs.
type interloper struct {
	rueidis.Client
	before func(rueidis.Client)
}

func (i *interloper) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if before := i.before; before != nil && slices.Contains(cmd.Commands(), "EVAL") {
		i.before = nil
		before(i.Client)
	}
	return i.Client.Do(ctx, cmd)
}

func onClient(t *testing.T, c rueidis.Client) *redis.Store {
	t.Helper()
	s, err := redis.New(c, cfg)
	require.NoError(t, err)
	return s
}
