// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// child is a process that this one started.
type child struct {
	*exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // why, from then on
}

// startChild starts a command, and gives each line that it prints to one of the functions.
func startChild(cmd *exec.Cmd, stdout, stderr func(line string)) (*child, error) {
	cmd.Stdout, cmd.Stderr = &lineWriter{each: stdout}, &lineWriter{each: stderr}
	cmd.SysProcAttr = noOrphan()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{Cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		c.err = cmd.Wait()
	}()
	return c, nil
}

// kill ends it as a crash does (SIGKILL), and returns when it is gone.
func (c *child) kill() {
	_ = c.Process.Kill() // it may have ended already
	<-c.ended
}

var errStubborn = errors.New("it didn't end, and was killed")

// end asks it to end (SIGTERM) and waits for that.
func (c *child) end(patience time.Duration) error {
	if c.Process.Signal(syscall.SIGTERM) != nil { // it has ended, or the system has no signals
		c.kill()
		return nil
	}
	select {
	case <-c.ended:
		return c.err
	case <-time.After(patience):
		c.kill()
		return errStubborn
	}
}

// lineWriter cuts what is written into lines.
type lineWriter struct {
	each func(line string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		w.each(string(line))
		w.rest = rest
	}
}
