// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
)

// listening is how both servers tell where they are, at the begin of a line.
var listening = regexp.MustCompile(`(?i)^listening on (http://127\.0\.0\.1:\d+)`)

// server is a process that listens on a port which it found itself.
type server struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// startServer returns once the process has told its address. All its output goes to logPath.
func startServer(cmd *exec.Cmd, logPath string) (*server, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &server{cmd: cmd, ended: make(chan struct{})}
	address := make(chan string, 1)
	go s.watch(stdout, log, address)
	select {
	case s.url = <-address:
		return s, nil
	case <-s.ended:
	case <-time.After(startTimeout):
		s.stop()
	}
	return nil, fmt.Errorf("%s told no address, see %s", cmd.Path, logPath)
}

// watch looks for the address and ends when the process does.
func (s *server) watch(stdout io.Reader, log *os.File, address chan<- string) {
	defer close(s.ended)
	defer log.Close()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		fmt.Fprintln(log, lines.Text())
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			select {
			case address <- found[1]:
			default: // told before
			}
		}
	}
	io.Copy(log, stdout) // what was too long for a line
	s.cmd.Wait()
}

// stop ends the process and returns once it is gone.
func (s *server) stop() {
	s.cmd.Cancel()
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		s.cmd.Process.Kill()
		<-s.ended
	}
}
