// SPDX-License-Identifier: MIT

package keystate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/keystate"
)

const generation = int64(2 * time.Minute)

func TestOwnRemembersForAWhile(t *testing.T) {
	var o keystate.Own
	require.False(t, o.Has(7, start))
	require.True(t, o.Note(7, start))
	require.False(t, o.Note(7, start+generation))
	o = keystate.Own{}
	o.Note(7, start)
	for _, after := range []int64{0, generation - 1, generation, 2*generation - 1} {
		require.True(t, o.Has(7, start+after), "%d", after)
		require.False(t, o.Has(8, start+after))
	}
	require.False(t, o.Has(7, start+2*generation))

	var renewed keystate.Own
	for i := range int64(10) {
		renewed.Note(7, start+i*generation)
		require.True(t, renewed.Has(7, start+(i+1)*generation), "while it is renewed")
	}
}

func TestOwnForgetsWhenTheClockIsSet(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour} {
		var o keystate.Own
		o.Note(7, start)
		require.False(t, o.Has(7, start+int64(step)))
	}
	var o keystate.Own
	o.Note(7, start)
	require.True(t, o.Has(7, start-int64(time.Second)), "clocks that are read before a lock run back a little")
}

// However many credentials somebody invents, few others are taken for one of them.
func TestOwnIsNeverFull(t *testing.T) {
	var o keystate.Own
	rng := rand.New(rand.NewPCG(1, 2))
	for _, now := range []int64{start, start + generation} {
		for range 1 << 20 {
			o.Note(rng.Uint64(), now)
		}
	}
	taken := 0
	for range 10_000 {
		if o.Has(rng.Uint64(), start+generation) {
			taken++
		}
	}
	require.InDelta(t, 10_000/8, taken, 200)
}
