// SPDX-License-Identifier: MIT

package testserver

import (
	"os/exec"
	"testing"
)

// Redis starts a server that keeps nothing on disk. args are more of its flags.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	path := program(t, "redis-server", "", "redis-server")
	dir := t.TempDir()
	s := &Server{addr: freeAddr(t), ready: says("PING\r\n", "+PONG")}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(path, append([]string{"--port", s.Port(), "--bind", "127.0.0.1",
			"--save", "", "--appendonly", "no", "--dir", dir}, args...)...)
		return cmd
	}
	return start(t, s)
}
