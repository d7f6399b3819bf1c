// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerTellsItsAddress(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s, err := startServer(exec.CommandContext(t.Context(), "sh", "-c",
		"echo hello; echo oops >&2; echo listening on http://127.0.0.1:1234 for all; exec sleep 60"), log)
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:1234", s.url)
	s.stop()
	require.False(t, s.cmd.ProcessState.Success(), "ended by us")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Contains(t, string(text), "hello\n")
	require.Contains(t, string(text), "oops\n")
}

func TestServerThatEndsIsAnError(t *testing.T) {
	for _, script := range []string{"exit 0", "echo listening on http://0.0.0.0:1234"} {
		log := filepath.Join(t.TempDir(), "log")
		_, err := startServer(exec.CommandContext(t.Context(), "sh", "-c", script), log)
		require.ErrorContains(t, err, log)
	}
	_, err := startServer(exec.CommandContext(t.Context(), "/nonexistent"), filepath.Join(t.TempDir(), "log"))
	require.Error(t, err)
}
