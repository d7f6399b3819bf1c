// SPDX-License-Identifier: MIT

package keystate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/keystate"
)

// most is how many are noted in one generation.
const most = 1 << 16

// Note tells those who come again from others, whether or not it has noted them just now.
func TestNoteTellsAnother(t *testing.T) {
	var o keystate.Own
	require.True(t, o.Note(1, start))
	require.False(t, o.Note(1, start))
	require.True(t, o.Note(2, start))
	require.False(t, o.Note(1, start+generation), "known from the generation before")
	require.False(t, o.Note(1, start+generation))
	require.True(t, o.Note(3, start+generation))

	for hash := range uint64(most) {
		o.Note(1000+hash, start+generation)
	}
	for range 2 { // it is full
		require.False(t, o.Note(1, start+generation))
		require.True(t, o.Note(4, start+generation))
	}
	require.False(t, o.Has(4, start+generation))
}

// Who comes again and again takes no room from others.
func TestOneOwnerTakesOnePlace(t *testing.T) {
	var o keystate.Own
	for range 2 * most {
		o.Note(1, start)
	}
	o.Note(2, start)
	require.True(t, o.Has(2, start))
}
