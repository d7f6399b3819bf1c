// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

func TestScopes(t *testing.T) {
	s := scopes{own: newScope()}
	require.Same(t, s.own, s.get(""), "the mount itself")
	a := s.get("a")
	require.Same(t, a, s.get("a"))
	require.NotSame(t, a, s.get("b"))

	var other scopes
	require.NotSame(t, s.get(""), other.get(""), "each mount has its own")
	require.NotSame(t, a, other.get("a"))
}

// Whoever names scopes by what clients send must not fill the memory.
func TestScopesAreBounded(t *testing.T) {
	var s scopes
	kept := s.get("kept")
	for i := range 2 * maxScopes {
		s.get(fmt.Sprint(i))
		s.get("kept")
	}
	require.Equal(t, maxScopes, s.named.Len())
	require.Same(t, kept, s.get("kept"), "one in use is not forgotten")
}

// Nor can he end the rest of one that fails.
func TestFailingScopesAreKept(t *testing.T) {
	var s scopes
	p := compiled(t, Policy{})
	failing := s.get("failing")
	now := time.Now().UnixNano()
	failing.step(p.backoff, &backoff.Key{}, backoff.Event{Kind: backoff.Failed, Started: now}, ReasonTimeout, now)
	for i := range 3 * maxScopes {
		s.get(fmt.Sprint(i))
	}
	require.Same(t, failing, s.get("failing"))
	require.Equal(t, maxScopes, s.named.Len())

	for i := range 3 * maxScopes { // all fail: then one must go all the same
		one := s.get(fmt.Sprint("f", i))
		one.step(p.backoff, &backoff.Key{}, backoff.Event{Kind: backoff.Failed, Started: now}, ReasonTimeout, now)
	}
	require.Equal(t, maxScopes, s.named.Len())
}

func TestScopeName(t *testing.T) {
	h := &handler{p: compiled(t, Policy{})}
	r := asking(t, "GET", "example.com", "/")
	require.Empty(t, h.scopeName(r))
	h.p = compiled(t, Policy{Origin: Origin{Scope: func(r *http.Request) string { return r.Host }}})
	require.Equal(t, "example.com", h.scopeName(r))
}

// An outage begins with the first failure since the last success, and only a fetch
// that began after that success can tell.
func TestOutage(t *testing.T) {
	var s scope
	var k backoff.Key
	p := compiled(t, Policy{})
	fail := func(started, now int64, fault Reason) {
		s.step(p.backoff, &k, backoff.Event{Kind: backoff.Failed, Started: started}, fault, now)
	}
	succeed := func(started, now int64) {
		s.step(p.backoff, &k, backoff.Event{Kind: backoff.Succeeded, Started: started, Answered: now}, "", now)
	}
	require.Zero(t, s.outage())
	require.Empty(t, s.lastFault())

	fail(at0, at0+1, ReasonTimeout)
	require.EqualValues(t, at0+1, s.outage())
	fail(at0+2, at0+3, ReasonErrorStatus)
	require.EqualValues(t, at0+1, s.outage(), "it goes on")
	require.Equal(t, ReasonErrorStatus, s.lastFault())

	s.step(p.backoff, &k, backoff.Event{Kind: backoff.Succeeded, Answered: at0}, "", at0+4)
	require.EqualValues(t, at0+1, s.outage(), "that answer came before")

	succeed(at0+4, at0+5)
	require.Zero(t, s.outage())
	require.EqualValues(t, at0+5, s.lastSuccess())
	fail(at0+4, at0+6, ReasonTimeout)
	require.Zero(t, s.outage(), "a fetch from before the success tells nothing new")
	fail(at0+5, at0+7, ReasonTimeout)
	require.EqualValues(t, at0+7, s.outage())
}

func TestRecoveryIsKnown(t *testing.T) {
	var s scope
	p := compiled(t, Policy{})
	now := at0
	for i := range 3 {
		k := backoff.Key{}
		now += int64(time.Second)
		s.step(p.backoff, &k, backoff.Event{Kind: backoff.Failed, Key: uint64(i), Started: now}, ReasonTimeout, now)
	}
	require.False(t, s.recoveredSince(at0))
	now += int64(time.Second)
	s.step(p.backoff, &backoff.Key{}, backoff.Event{Kind: backoff.Succeeded, Key: 9, Started: now, Answered: now}, "", now)
	require.True(t, s.recoveredSince(at0))
	require.False(t, s.recoveredSince(now))
}

func TestAttemptTime(t *testing.T) {
	for _, tt := range []struct {
		last     time.Duration
		attempts uint8
		hard     time.Duration
		want     time.Duration
	}{
		{0, 0, 30 * time.Second, time.Second},
		{100 * time.Millisecond, 0, 30 * time.Second, time.Second},
		{time.Second, 0, 30 * time.Second, 4 * time.Second},
		{time.Minute, 0, 30 * time.Second, 30 * time.Second},
		{0, 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{0, 1, 30 * time.Second, 2 * time.Second},
		{0, 3, 30 * time.Second, 8 * time.Second},
		{0, 5, 30 * time.Second, 30 * time.Second},
		{0, 255, 30 * time.Second, 30 * time.Second},
		{time.Second, 2, 30 * time.Second, 16 * time.Second},
	} {
		require.Equal(t, tt.want, attemptTime(tt.last, tt.attempts, tt.hard), "%+v", tt)
	}
	require.Positive(t, attemptTime(time.Hour, 255, forever), "no overflow where the hard timeout is off")
}

func TestSoftTime(t *testing.T) {
	learned := compiled(t, Policy{})
	for _, tt := range []struct{ usual, last, want time.Duration }{
		{0, 0, 500 * time.Millisecond},
		{100 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond},
		{700 * time.Millisecond, 700 * time.Millisecond, 1400 * time.Millisecond},
		{2 * time.Second, 2 * time.Second, 4 * time.Second},
		{3 * time.Second, 3 * time.Second, 5 * time.Second},
		{time.Second, 3 * time.Second, 500 * time.Millisecond}, // in vain
		{time.Minute, time.Minute, 500 * time.Millisecond},
	} {
		require.Equal(t, tt.want, learned.softTime(tt.usual, tt.last), "%+v", tt)
	}
	require.Equal(t, time.Second, compiled(t, Policy{Origin: Origin{SoftTimeout: time.Second}}).softTime(time.Minute, time.Minute))
	require.Equal(t, forever, compiled(t, Policy{Origin: Origin{SoftTimeout: -1}}).softTime(time.Minute, time.Minute))
}
