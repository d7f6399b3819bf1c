// SPDX-License-Identifier: MIT

package backoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

// A success that is stamped ahead of now, since the clock was set back before it ended, hides no
// failures: neither at once nor when the clock gets near that instant.
func TestSuccessFromTheFuture(t *testing.T) {
	for _, ahead := range []time.Duration{3 * time.Second, time.Hour} {
		o := newOrigin(backoff.Config{})
		o.step(backoff.Event{Kind: backoff.Succeeded, Key: 1, Started: o.now, Answered: o.now + int64(ahead)})
		o.pass(ahead - 2*time.Second)
		for range 3 {
			o.fail(2)
		}
		require.True(t, o.scope.Failing(), "%v", ahead)
	}
}

// Nor does a failure from before a small step back hide what came after it.
func TestSuccessAfterASmallStepBack(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for range 3 {
		o.fail(1)
	}
	o.pass(-3 * time.Second)
	require.True(t, o.fail(1).Failing)
	o.pass(time.Second)
	require.False(t, o.succeed(2).Failing, "it was answered after the last failure")
}

// A key's rest doesn't outlast a step back either, where its scope is well.
func TestRestWhenTheClockIsSetBack(t *testing.T) {
	o := newOrigin(backoff.Config{FailAfter: -1})
	o.fail(1)
	require.False(t, o.ask(1).Fetch)
	o.pass(-24 * time.Hour)
	require.True(t, o.ask(1).Fetch)
}
