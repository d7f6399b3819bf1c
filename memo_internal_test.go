// SPDX-License-Identifier: MIT

package holdover

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// What is remembered of a request is little and its own: the values of a header share
// one piece of memory, so that a short one could keep a megabyte of the others.
func TestMemosKeepNothingOfTheHeader(t *testing.T) {
	e, err := store.New(store.Response{Key: "k", Status: 200})
	require.NoError(t, err)
	header := strings.Repeat("x", 1<<20) + "gzip"
	words := [maxMemoNames]string{header[1<<20:]}
	var m memos
	m.remember(&words, e)
	require.Same(t, e, m.recall(&words))
	kept := m.slot(&words).Load()
	require.NotSame(t, unsafe.StringData(words[0]), unsafe.StringData(kept.words[0]))

	m.remember(&words, e)
	require.Same(t, kept, m.slot(&words).Load(), "what is known isn't noted again")

	long := [maxMemoNames]string{strings.Repeat("y", maxMemoWords), "z"}
	m.remember(&long, e)
	require.Nil(t, m.recall(&long))
	other := [maxMemoNames]string{"gzap"}
	require.Nil(t, m.recall(&other), "the same slot, other words")
}
