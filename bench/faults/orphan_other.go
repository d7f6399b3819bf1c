// SPDX-License-Identifier: MIT

//go:build !linux

package main

import "syscall"

func noOrphan() *syscall.SysProcAttr { return nil }
