// SPDX-License-Identifier: MIT

package testserver

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const postgresPattern = "/usr/lib/postgresql/*/bin/"

// Postgres starts a server with an empty database "postgres" and the user "postgres",
// who needs no password. args are more of its flags. It is started without fsync: a
// killed process loses nothing by that.
func Postgres(t testing.TB, args ...string) *Server {
	t.Helper()
	initdb := program(t, "initdb", postgresPattern+"initdb", "postgresql")
	path := program(t, "postgres", postgresPattern+"postgres", "postgresql")
	dir, who := postgresDir(t)
	data := filepath.Join(dir, "data")
	run := func(path string, args ...string) *exec.Cmd {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
		return cmd
	}
	out, err := run(initdb, "-N", "-A", "trust", "-U", "postgres", "-D", data).CombinedOutput()
	require.NoError(t, err, "initdb: %s", out)

	s := &Server{addr: freeAddr(t)}
	// The message that opens a session. While the server starts up it is answered by an
	// error, "E"; "R" says who may come in.
	s.ready = says("\x00\x00\x00\x29\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00", "R")
	s.command = func() *exec.Cmd {
		return run(path, append([]string{"-D", data, "-p", s.Port(), "-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "synchronous_commit=off"}, args...)...)
	}
	return start(t, s)
}

// postgresDir returns a folder that belongs to whom the server runs as. It refuses to
// run as root.
func postgresDir(t testing.TB) (string, *syscall.Credential) {
	t.Helper()
	dir, err := os.MkdirTemp("", "holdover-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() != 0 {
		return dir, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, int(uid), int(gid)))
	return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
