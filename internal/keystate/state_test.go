// SPDX-License-Identifier: MIT

package keystate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/keystate"
)

const start = int64(1_800_000_000_000_000_000)

var allClasses = []keystate.Class{keystate.ClassNone, keystate.ClassCookie, keystate.ClassAuthorization}

func TestVerdictDoubles(t *testing.T) {
	var s keystate.State
	now := start
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120, 120} {
		want *= time.Second
		require.True(t, s.MayShare(keystate.ClassNone, now))
		s.NotShareable(keystate.ClassNone, true, now)
		require.False(t, s.MayShare(keystate.ClassNone, now))
		require.False(t, s.MayShare(keystate.ClassNone, now+int64(want)-1))
		now += int64(want)
	}
	for range 300 {
		s.NotShareable(keystate.ClassNone, true, now)
		now += int64(2 * time.Minute)
		require.False(t, s.MayShare(keystate.ClassNone, now-1))
		require.True(t, s.MayShare(keystate.ClassNone, now), "never longer")
	}

	s.NotShareable(keystate.ClassNone, true, now)
	s.Shareable(keystate.ClassNone, time.Second, now)
	require.True(t, s.MayShare(keystate.ClassNone, now))
	now += int64(10 * time.Minute)
	s.NotShareable(keystate.ClassNone, true, now)
	require.True(t, s.MayShare(keystate.ClassNone, now+int64(5*time.Second)), "it started over")
}

// While requests that go alone say that it is right, a verdict doesn't end: else all who come
// then would wait for one another in vain.
func TestVerdictHoldsWhileItIsRight(t *testing.T) {
	var s keystate.State
	now := start
	s.NotShareable(keystate.ClassCookie, true, now)
	for range 100 {
		now += int64(4 * time.Second)
		require.False(t, s.MayShare(keystate.ClassCookie, now))
		s.NotShareable(keystate.ClassCookie, true, now)
	}
	require.False(t, s.MayShare(keystate.ClassCookie, now+int64(5*time.Second)-1))
	require.True(t, s.MayShare(keystate.ClassCookie, now+int64(5*time.Second)), "without growing")
	s.Shareable(keystate.ClassCookie, time.Second, now)
	require.True(t, s.MayShare(keystate.ClassCookie, now))
}

func TestVerdictTouchesItsClassOnly(t *testing.T) {
	for _, judged := range allClasses {
		var s keystate.State
		s.NotShareable(judged, true, start)
		for _, c := range allClasses {
			require.Equal(t, c != judged, s.MayShare(c, start), "%d after a verdict for %d", c, judged)
		}
		for _, c := range allClasses {
			if c != judged {
				s.Shareable(c, time.Minute, start)
			}
		}
		require.False(t, s.MayShare(judged, start), "cleared by another class")
	}
}

func TestUnknownClassIsGuarded(t *testing.T) {
	var s keystate.State
	s.NotShareable(keystate.ClassAuthorization, true, start)
	require.False(t, s.MayShare(keystate.Class(200), start))
}

func TestVerdictWhenTheClockIsSetBack(t *testing.T) {
	var s keystate.State
	s.NotShareable(keystate.ClassNone, true, start)
	require.False(t, s.MayShare(keystate.ClassNone, start-int64(time.Second)))
	require.True(t, s.MayShare(keystate.ClassNone, start-int64(time.Hour)))
}

// What others could share, one asker can't make unshareable for them.
func TestSharedOutweighsOnesOwn(t *testing.T) {
	for _, fresh := range []time.Duration{-time.Second, time.Minute, time.Hour, 48 * time.Hour} {
		var s keystate.State
		c := keystate.ClassAuthorization
		require.True(t, s.NotShareable(c, true, start))
		require.False(t, s.MayShare(c, start), "nobody has shared so far")
		s.Shareable(c, fresh, start)
		end := start + int64(min(max(fresh, 10*time.Minute), 24*time.Hour))
		for now := start; now < end; now += int64(30 * time.Second) {
			require.False(t, s.NotShareable(c, false, now))
			require.True(t, s.MayShare(c, now))
		}
		require.True(t, s.NotShareable(c, true, end), "that was long ago")
		require.False(t, s.MayShare(c, end))
	}
}

// A page that isn't any more what it was is taken for what it is.
func TestManyAskersEndSharing(t *testing.T) {
	var s keystate.State
	c := keystate.ClassCookie
	for range 3 {
		s.Shareable(c, time.Hour, start)
		for range 15 {
			require.False(t, s.NotShareable(c, true, start))
		}
	}
	require.True(t, s.NotShareable(c, true, start), "the sixteenth in a row")
	require.False(t, s.MayShare(c, start))
	require.False(t, s.Shared(c, start))
}

// One fetch that took very long doesn't make it usual.
func TestUsual(t *testing.T) {
	var s keystate.State
	for _, c := range []struct{ took, usual time.Duration }{
		{700 * time.Millisecond, 700 * time.Millisecond}, // the first one is all there is to go by
		{10 * time.Second, 1400 * time.Millisecond},
		{10 * time.Second, 2800 * time.Millisecond},
		{time.Millisecond, 2450 * time.Millisecond}, // nor does a quick one
		{2500 * time.Millisecond, 2500 * time.Millisecond},
		{2300 * time.Millisecond, 2300 * time.Millisecond},
	} {
		s.Took(c.took)
		require.Equal(t, c.usual, s.Usual)
		require.Equal(t, c.took, s.LastFetch)
	}
	for range 50 {
		s.Took(time.Millisecond)
	}
	require.Less(t, s.Usual, 10*time.Millisecond)
	s.Took(10 * time.Second)
	require.Equal(t, 100*time.Millisecond, s.Usual)
	s.Took(10 * time.Second)
	require.Equal(t, 200*time.Millisecond, s.Usual)
}

// That a response is still good is said quicker than a new one is made.
func TestUsualOfWhatTookAtLeastThat(t *testing.T) {
	var s keystate.State
	s.Took(700 * time.Millisecond)
	for range 50 {
		s.TookAtLeast(time.Millisecond)
	}
	require.Equal(t, 700*time.Millisecond, s.Usual)
	require.Less(t, s.LastFetch, 10*time.Millisecond)
	s.TookAtLeast(800 * time.Millisecond)
	require.Equal(t, 800*time.Millisecond, s.Usual, "it takes no less")
	require.Equal(t, 800*time.Millisecond, s.LastFetch)
}

// What is too large is too large for all.
func TestOutgrownCountsForAll(t *testing.T) {
	var s keystate.State
	s.Shareable(keystate.ClassNone, time.Minute, start)
	s.Outgrown(keystate.ClassNone, start)
	require.False(t, s.MayShare(keystate.ClassNone, start))
}

func TestSharedWhenTheClockIsSetBack(t *testing.T) {
	var s keystate.State
	s.Shareable(keystate.ClassNone, time.Minute, start)
	long := start - int64(48*time.Hour)
	require.True(t, s.NotShareable(keystate.ClassNone, true, long))
}

func TestSharedByAny(t *testing.T) {
	for _, c := range allClasses {
		var s keystate.State
		require.False(t, s.SharedByAny(start))
		s.Shareable(c, time.Minute, start)
		require.True(t, s.SharedByAny(start))
		require.False(t, s.SharedByAny(start+int64(11*time.Minute)))
	}
}
