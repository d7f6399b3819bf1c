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
	var want strings.Builder
	for _, n := range []int{0, 1, 4095, 4096, 70_000} {
		piece := strings.Repeat("x", n)
		want.WriteString(piece)
		c.Add([]byte(piece))
	}
	got, ok := c.Whole()
	require.True(t, ok)
	require.Equal(t, want.String(), string(got))
	c.Release()
	require.Equal(t, want.String(), string(got))
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

// Copies may be held for as long as a client reads: they take a part of the room only.
func TestPartOfARoom(t *testing.T) {
	const kib = 1 << 10
	room := flight.NewRoom(64 * kib)
	part := room.Part(16 * kib)
	slow := flight.NewCopy(part, 1<<20)
	slow.Add(make([]byte, 12*kib))
	second := flight.NewCopy(part, 1<<20)
	second.Add(make([]byte, 12*kib))
	_, ok := second.Whole()
	require.False(t, ok, "the part is full")
	other := flight.NewCopy(room, 1<<20)
	other.Add(make([]byte, 40*kib))
	_, ok = other.Whole()
	require.True(t, ok, "the rest is free")
	slow.Release()
	other.Add(make([]byte, 20*kib))
	_, ok = other.Whole()
	require.True(t, ok)
	tight := flight.NewCopy(part, 1<<20)
	tight.Add(make([]byte, 13*kib))
	_, ok = tight.Whole()
	require.False(t, ok, "the room itself is full, though the part isn't")
	other.Release()
	for range 3 {
		again := flight.NewCopy(part, 1<<20)
		again.Add(make([]byte, 12*kib))
		_, ok = again.Whole()
		require.True(t, ok)
		again.Release()
	}
}
