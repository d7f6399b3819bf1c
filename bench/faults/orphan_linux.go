// SPDX-License-Identifier: MIT

package main

import "syscall"

// noOrphan makes a process end when this one is killed. It may end its own children.
func noOrphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
