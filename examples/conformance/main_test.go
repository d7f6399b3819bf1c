// SPDX-License-Identifier: MIT

package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlags(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	h, wanted, err := parseFlags([]string{"-suite", "s", "-proxy", "p", "-out", out, "-tests", "329"})
	require.NoError(t, err)
	require.Equal(t, 329, wanted)
	require.True(t, filepath.IsAbs(h.suite) && filepath.IsAbs(h.proxy), "another folder is the suite's own")
	require.DirExists(t, out)
}

// A run that expects nothing would always be as expected.
func TestAllFlagsAreNeeded(t *testing.T) {
	all := []string{"-suite=s", "-proxy=p", "-out=" + t.TempDir(), "-tests=329"}
	for i := range all {
		args := append(append([]string{}, all[:i]...), all[i+1:]...)
		_, _, err := parseFlags(args)
		require.Error(t, err, args)
	}
	for _, extra := range []string{"-tests=0", "-tests=-1", "more"} {
		_, _, err := parseFlags(append(all[:4:4], extra))
		require.Error(t, err, extra)
	}
}
