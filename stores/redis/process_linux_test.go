// SPDX-License-Identifier: MIT

package redis_test

import "syscall"

// outliveNobody keeps a server from outliving a test binary that is killed.
func outliveNobody() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
