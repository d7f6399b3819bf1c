// SPDX-License-Identifier: MIT

package testserver

import (
	"os/exec"
	"testing"
)

// Memcached starts a server. args are more of its flags.
func Memcached(t testing.TB, args ...string) *Server {
	t.Helper()
	path := program(t, "memcached", "", "memcached")
	s := &Server{addr: freeAddr(t), ready: says("version\r\n", "VERSION ")}
	s.command = func() *exec.Cmd {
		// Started by root it wants to know whom to become.
		return exec.Command(path, append([]string{"-u", "nobody", "-l", "127.0.0.1", "-p", s.Port(), "-U", "0"}, args...)...)
	}
	return start(t, s)
}
