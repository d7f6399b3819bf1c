// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The example's own verdict, with more time than it gives itself: this machine may be busy.
func TestStory(t *testing.T) {
	t.Parallel()
	binary, err := proxyBinary()
	require.NoError(t, err)
	var out bytes.Buffer
	err = tell(t.Context(), options{quick: true, proxy: binary, perSecond: 240, slow: slow}, &out)
	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "0 failed, 0 were answered with what had been purged before")
	t.Log(out.String()[strings.Index(out.String(), "\n\n"):])
}

// Whoever interrupts it waits for nothing, and nothing stays behind.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	binary, err := proxyBinary()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, tell(ctx, options{proxy: binary, perSecond: 100, slow: slow}, io.Discard), errInterrupted)
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"more"}, {"-rate", "0"}} {
		var stderr bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, &stderr, &stderr), args)
		require.NotEmpty(t, stderr.String())
	}
	require.Equal(t, 0, run(t.Context(), []string{"-h"}, new(bytes.Buffer), new(bytes.Buffer)))
}
