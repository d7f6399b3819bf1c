// SPDX-License-Identifier: MIT

//go:build !unix

package file

import (
	"errors"
	"os"
	"syscall"
)

const openFlags = os.O_RDONLY

// What Windows says where a disk is full.
const (
	errHandleDiskFull syscall.Errno = 39
	errDiskFull       syscall.Errno = 112
)

func diskFull(err error) bool {
	return errors.Is(err, errHandleDiskFull) || errors.Is(err, errDiskFull)
}
