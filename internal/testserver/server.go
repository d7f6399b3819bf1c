// SPDX-License-Identifier: MIT

// Package testserver starts the real servers that tests of stores talk to. Each is a
// process of the test's own on a free port of 127.0.0.1, that can be stopped, killed
// and started again, and ends with its test. They need the Debian packages
// redis-server, memcached and postgresql. Where one is missing, the test is skipped and
// says so, or fails if CI=true.
package testserver

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const startTimeout = 30 * time.Second

// Server is one server. Its address stays the same when it is started again.
type Server struct {
	t       testing.TB
	addr    string
	command func() *exec.Cmd // a fresh one for each start
	ready   func(addr string) error

	log *syncBuffer

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil while it doesn't run
	ended chan struct{} // closed when it has ended
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.addr }

// Port returns the port alone.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// Start starts the server and waits until it answers. New servers are started.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Nil(s.t, s.cmd, "the server runs already")
	cmd := s.command()
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	setDeathSignal(cmd.SysProcAttr)
	require.NoError(s.t, cmd.Start())
	s.cmd, s.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait() // killed, mostly
	}(s.ended)
	s.awaitReady()
}

func (s *Server) awaitReady() {
	s.t.Helper()
	deadline := time.After(startTimeout)
	for {
		err := s.ready(s.addr)
		select {
		case <-s.ended: // first: what answers may be another one that took the port
			require.Fail(s.t, "the server ended", "%s: %s", s.cmd.Path, s.log)
		default:
		}
		if err == nil {
			return
		}
		select {
		case <-deadline:
			require.NoError(s.t, err, "%s doesn't answer: %s", s.cmd.Path, s.log)
		case <-s.ended:
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Pause stops the server as SIGSTOP does: connections stay open, and nothing answers.
func (s *Server) Pause() { s.t.Helper(); s.signal(syscall.SIGSTOP) }

// Resume undoes Pause.
func (s *Server) Resume() { s.t.Helper(); s.signal(syscall.SIGCONT) }

// Kill ends the server as a crash does, and returns when it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.mu.Lock()
	defer s.mu.Unlock()
	<-s.ended
	s.cmd = nil
}

// Restart kills the server and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Start()
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotNil(s.t, s.cmd, "the server doesn't run")
	require.NoError(s.t, s.cmd.Process.Signal(sig))
	for _, pid := range children(s.cmd.Process.Pid) { // PostgreSQL answers from processes of their own
		_ = syscall.Kill(pid, sig) // it may have ended meanwhile
	}
}

// cleanup ends the server with its test, whatever state it is in.
func (s *Server) cleanup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		for _, pid := range append(children(s.cmd.Process.Pid), s.cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-s.ended
		s.cmd = nil
	}
}

// start makes a server, starts it and lets the test end it.
func start(t testing.TB, s *Server) *Server {
	t.Helper()
	s.t, s.log = t, &syncBuffer{}
	t.Cleanup(s.cleanup)
	s.Start()
	return s
}

// program returns the path of a program, or ends the test if there is none.
func program(t testing.TB, name, pattern, debian string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if found, _ := filepath.Glob(pattern); len(found) > 0 {
		return found[len(found)-1]
	}
	message := fmt.Sprintf("NOT RUN: %s is missing (Debian's package %s)", name, debian)
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// freeAddr returns an address on which nothing listens. Its port is none of those that the
// system gives to clients and to servers that take any, so that it stays free while the
// server is down.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000)))
		if l, err := net.Listen("tcp", addr); err == nil {
			require.NoError(t, l.Close())
			return addr
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// says returns a check that a server answers a line with one that begins so.
func says(request, answer string) func(addr string) error {
	return func(addr string) error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte(request)); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := conn.Read(got); err != nil {
			return err
		}
		if string(got) != answer {
			return fmt.Errorf("it says %q", got)
		}
		return nil
	}
}

// syncBuffer keeps what a server prints.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
