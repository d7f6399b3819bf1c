// SPDX-License-Identifier: MIT

package main

import "syscall"

// noOrphan makes a child end with this process, also where this one is killed.
func noOrphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
