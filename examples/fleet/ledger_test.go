// SPDX-License-Identifier: MIT

package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(250*time.Millisecond, time.Second)
		l.purged(0, map[int]int{7: 1}, true)
		after := func(d time.Duration) time.Time { return time.Now().Add(d) }
		require.Equal(t, 0, l.least(0, 7, after(0)), "a request that began before the purge was confirmed")
		require.Equal(t, 1, l.least(0, 7, after(1)), "who made it knows it at once")
		require.Equal(t, 0, l.least(1, 7, after(250*time.Millisecond)))
		require.Equal(t, 1, l.least(1, 7, after(250*time.Millisecond+1)))
		require.Equal(t, 0, l.least(1, 8, after(time.Hour)), "another page")

		l.purged(1, map[int]int{7: 2}, false)
		require.Equal(t, 2, l.least(1, 7, after(1)))
		require.Equal(t, 1, l.least(0, 7, after(time.Hour)), "the journal can't be reached yet")
		time.Sleep(time.Minute)
		l.reachable()
		require.Equal(t, 1, l.least(0, 7, after(time.Second)))
		require.Equal(t, 2, l.least(0, 7, after(time.Second+1)))
	})
}
