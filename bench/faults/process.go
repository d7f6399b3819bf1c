// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	startPatience = 20 * time.Second // until a cache listens
	endPatience   = 30 * time.Second // until it has drained
	killPatience  = 5 * time.Second
	// complaint is how much of what a process wrote is told when it ends badly.
	complaint = 4 << 10
)

// process is a cache that was started here.
type process struct {
	name  string
	cmd   *exec.Cmd
	said  tail
	ended chan struct{} // closed when it has, then err is there
	err   error
}

// startProcess runs a command until it takes connections at addr.
func startProcess(name string, cmd *exec.Cmd, addr string) (*process, error) {
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	cmd.SysProcAttr = noOrphan()
	cmd.WaitDelay = killPatience // children of it may hold its output open
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	if err := p.await(addr); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

func (p *process) await(addr string) error {
	for begun := time.Now(); time.Since(begun) < startPatience; {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once", p.name)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s doesn't listen on %s", p.name, addr)
}

// end lets the process drain and close. It may be called twice.
func (p *process) end() error {
	if p.cmd.Process.Signal(syscall.SIGTERM) != nil { // it has ended, or the system has no signals
		_ = p.cmd.Process.Kill()
	}
	select {
	case <-p.ended:
	case <-time.After(endPatience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s didn't end within %v: %s", p.name, endPatience, &p.said)
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, p.err, &p.said)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(len(t.text)-complaint, 0):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
