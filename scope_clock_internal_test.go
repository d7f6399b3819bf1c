// SPDX-License-Identifier: MIT

package holdover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

// A scope that remembers an outage isn't forgotten, though only pages that never worked told of it:
// grants end with it.
func TestAScopeWithAnOutageIsNotIdle(t *testing.T) {
	var s scope
	var k backoff.Key
	now := time.Now().UnixNano()
	cfg := backoff.Config{}.WithDefaults()
	require.True(t, s.idle(now))
	s.step(cfg, &k, backoff.Event{Kind: backoff.Failed, Started: now, Local: true}, ReasonErrorStatus, now)
	require.False(t, s.idle(now))
	s.step(cfg, &k, backoff.Event{Kind: backoff.Succeeded, Started: now, Answered: now}, "", now)
	require.True(t, s.idle(now))
}

// Nor is one that has spent its budget: who invents names for others would get it anew.
func TestAScopeThatHasSpentItsBudgetIsNotIdle(t *testing.T) {
	var s scope
	var k backoff.Key
	now := time.Now().UnixNano()
	s.step(backoff.Config{Total: 0.1}.WithDefaults(), &k, backoff.Event{Kind: backoff.Ask, HasCopy: true}, "", now)
	require.False(t, s.idle(now))
	require.True(t, s.idle(now+int64(11*time.Second)))
}

// A success from before the clock was set back doesn't outrank those since.
func TestLastSuccessWhenTheClockIsSetBack(t *testing.T) {
	var s scope
	var k backoff.Key
	now := time.Now().UnixNano()
	cfg := backoff.Config{}.WithDefaults()
	before := now + int64(time.Hour)
	s.step(cfg, &k, backoff.Event{Kind: backoff.Succeeded, Started: before, Answered: before}, "", before)
	s.step(cfg, &k, backoff.Event{Kind: backoff.Succeeded, Started: now, Answered: now}, "", now)
	require.Equal(t, now, s.lastSuccess())
	s.step(cfg, &k, backoff.Event{Kind: backoff.Failed, Started: now, HasCopy: true}, ReasonTransport, now)
	require.Equal(t, now, s.outage())
}
