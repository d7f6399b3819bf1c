// SPDX-License-Identifier: MIT

package backoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

func (o *origin) askAs(asker, key uint64) bool {
	return o.step(backoff.Event{Kind: backoff.Look, Key: key, HasCopy: true, Asker: asker}).Fetch
}

func (o *origin) failAs(asker, key uint64) {
	o.step(backoff.Event{Kind: backoff.Failed, Key: key, HasCopy: true, Asker: asker, Started: o.now, Random: 0.5, RetryAfter: time.Hour})
}

// What fails for one asker rests for that one alone, until another has failed too.
func TestFailuresOfOneAsker(t *testing.T) {
	o := newOrigin(backoff.Config{FailAfter: -1})
	o.failAs(7, 1)
	require.False(t, o.askAs(7, 1))
	require.True(t, o.askAs(8, 1))
	require.True(t, o.askAs(0, 1), "nobody's credentials are others' too")
	again := o.step(backoff.Event{Kind: backoff.Look, Key: 1, HasCopy: true, Asker: 8, Again: true})
	require.Equal(t, backoff.RetryAfter, again.Reason, "his own fetch is under way")
	o.failAs(7, 1)
	require.True(t, o.askAs(8, 1), "however often")
	o.failAs(8, 1)
	for _, asker := range []uint64{0, 7, 8, 9} {
		require.False(t, o.askAs(asker, 1), "two have failed")
	}
	o.failAs(7, 1)
	require.False(t, o.askAs(9, 1), "it stays so")
	o.succeed(1)
	o.failAs(9, 1)
	require.False(t, o.askAs(9, 1))
	require.True(t, o.askAs(7, 1), "a new row")
	o.failAs(0, 1)
	require.False(t, o.askAs(7, 1), "one without credentials is anybody")
}

// So does a scope that fails: the trickle is for those who have seen it fail.
func TestScopeFailsForOneAsker(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for key := range uint64(3) {
		o.failAs(7, key)
	}
	require.True(t, o.scope.Failing())
	o.step(backoff.Event{Kind: backoff.Ask, Key: 8, HasCopy: true, Asker: 7}) // takes the probe
	require.False(t, o.askAs(7, 9))
	require.True(t, o.askAs(8, 9))
	require.True(t, o.askAs(8, 9), "without taking a probe")
	o.failAs(8, 9)
	require.False(t, o.askAs(9, 10), "confirmed")
	o.succeed(9)
	require.False(t, o.scope.Failing())
	require.True(t, o.askAs(7, 1), "which clears all keys")
}

// A key belongs to the scope in which it failed last: that another one has recovered
// says nothing about it.
func TestKeyOfTwoScopes(t *testing.T) {
	one, two := newOrigin(backoff.Config{}), newOrigin(backoff.Config{})
	one.scope.ID, two.scope.ID = 1, 2
	two.keys = one.keys
	for key := range uint64(3) { // an outage that only one of them sees
		one.fail(key)
	}
	one.succeed(5)
	one.step(backoff.Event{Kind: backoff.Failed, Key: 9, HasCopy: true, Started: one.now + 1, RetryAfter: time.Minute})
	for range 3 {
		require.Equal(t, backoff.RetryAfter, two.ask(9).Reason)
		require.Equal(t, backoff.RetryAfter, one.ask(9).Reason)
	}
	two.succeed(9)
	require.True(t, one.ask(9).Fetch)
}
