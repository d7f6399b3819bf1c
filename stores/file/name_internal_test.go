// SPDX-License-Identifier: MIT

package file

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func TestNames(t *testing.T) {
	h := hashOf("GET https://example.com/")
	require.Equal(t, store.HashedKey("", "GET https://example.com/"), h.name())
	require.Equal(t, h.name()[:2], partName(h.part()))
	back, ours := parseName(h.part(), h.name())
	require.True(t, ours)
	require.Equal(t, h, back)
	for _, name := range []string{
		"", h.name()[1:], h.name() + "0", strings.ToUpper(h.name()[:31]) + "A", h.name()[:31] + "g", h.name()[:30] + "..", "../" + h.name()[3:],
	} {
		_, ours := parseName(h.part(), name)
		require.False(t, ours, name)
	}
	_, ours = parseName((h.part()+1)%numParts, h.name())
	require.False(t, ours, "in another part nobody would look for it")
}

func TestTempNames(t *testing.T) {
	s := newStore(t, Config{})
	for range 3 {
		require.True(t, isTemp(s.tempName()))
	}
	for _, name := range []string{
		"", "-", "-.new", "ABCDEFGHIJ234.new", "ABCDEFGHIJ234-.new", "ABCDEFGHIJ234-1", "ABCDEFGHIJ23-1.new", "ABCDEFGHIJ2345-1.new",
		"abcdefghij234-1.new", "ABCDEFGHIJ230-1.new", "ABCDEFGHIJ234-a.new", "ABCDEFGHIJ234-1.new.new", "../DEFGHIJ234-1.new", "ABCDEFGHIJ234-1-1.new",
	} {
		require.False(t, isTemp(name), name)
	}
}

func TestHead(t *testing.T) {
	h := headOf([]byte("value"), -5)
	back, err := decodeHead(append(h.encode(), "value"...))
	require.NoError(t, err)
	require.Equal(t, h, back)
	require.NoError(t, back.checkSum([]byte("value")))
	require.ErrorIs(t, back.checkSum([]byte("valuf")), store.ErrDamaged)
}
