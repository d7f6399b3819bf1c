// SPDX-License-Identifier: MIT

package backoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

// A scope is idle when forgetting it would free nobody from anything.
func TestIdle(t *testing.T) {
	o := newOrigin(backoff.Config{Total: 0.1})
	require.True(t, o.scope.Idle(o.now))
	o.ask(1)
	require.False(t, o.scope.Idle(o.now), "its budget is spent")
	o.pass(11 * time.Second)
	require.True(t, o.scope.Idle(o.now))
	o.fail(1)
	require.False(t, o.scope.Idle(o.now), "a failure counts")
	o.succeed(1)
	require.True(t, o.scope.Idle(o.now))
}

// A rate so small that its tokens would never fall due is one a day.
func TestSmallestRate(t *testing.T) {
	o := newOrigin(backoff.Config{Total: 1e-15})
	require.True(t, o.ask(1).Fetch)
	require.Equal(t, 24*time.Hour, o.wait(o.ask(1)))
	o.pass(24 * time.Hour)
	require.True(t, o.ask(1).Fetch)
}

// Jitter at most doubles a rest.
func TestJitterIsBounded(t *testing.T) {
	o := newOrigin(backoff.Config{Jitter: 7, FailAfter: -1})
	o.step(backoff.Event{Kind: backoff.Failed, Key: 1, HasCopy: true, Started: o.now, Random: 0.75})
	require.Equal(t, 1500*time.Millisecond, o.wait(o.ask(1)))
}
