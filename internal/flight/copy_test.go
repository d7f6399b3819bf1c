// SPDX-License-Identifier: MIT

package flight_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

func TestCopyKeepsWhatPasses(t *testing.T) {
	c := flight.NewCopy(flight.NewRoom(1<<20), 100_000)
	want := ""
	for _, n := range []int{0, 1, 4095, 4096, 70_000} {
		piece := strings.Repeat("x", n)
		want += piece
		c.Add([]byte(piece))
	}
	got, ok := c.Whole()
	require.True(t, ok)
	require.Equal(t, want, string(got))
	c.Release()
	require.Equal(t, want, string(got))
}

func TestCopyHasBounds(t *testing.T) {
	room := flight.NewRoom(1 << 20)
	c := flight.NewCopy(room, 10)
	c.Add([]byte("0123456789"))
	_, ok := c.Whole()
	require.True(t, ok)
	c.Add([]byte("a"))
	c.Add([]byte("b"))
	_, ok = c.Whole()
	require.False(t, ok)

	// The first chunk is free; further ones come from the room, which gets them back.
	tight := flight.NewRoom(8 << 10)
	for range 3 {
		c = flight.NewCopy(tight, 1<<20)
		c.Add(make([]byte, 4<<10))
		_, ok = c.Whole()
		require.True(t, ok)
		c.Add(make([]byte, 64<<10))
		_, ok = c.Whole()
		require.False(t, ok, "no room")
		c.Release()
	}
}
