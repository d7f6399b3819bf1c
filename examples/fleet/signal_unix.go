// SPDX-License-Identifier: MIT

//go:build unix

package main

import (
	"os"
	"syscall"
)

// pause makes a process hang: its connections stay open, and it answers nothing.
func pause(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// resume undoes pause.
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
