// SPDX-License-Identifier: MIT

//go:build !linux

package redis_test

import "syscall"

func outliveNobody() *syscall.SysProcAttr { return nil }
