// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// This is all the testing that a store needs.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := newStore(1000)
		require.NoError(t, err)
		return s
	}, storetest.Features{})
}

// The guide says so.
func TestAStoreIsShort(t *testing.T) {
	source, err := os.ReadFile("store.go")
	require.NoError(t, err)
	require.Less(t, bytes.Count(source, []byte("\n")), 45)
	_, code, _ := bytes.Cut(source, []byte("// backend is"))
	require.Less(t, bytes.Count(code, []byte("\n")), 40)
}
