// SPDX-License-Identifier: MIT

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file

import (
	"errors"
	"os"
	"syscall"
)

// readersSync says that a file can be synced that is open for reading.
const readersSync = true

// tryLock takes the lock unless another process has it. A file system that knows no locks
// is taken for one that no other process uses.
func tryLock(file *os.File) (locked bool, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return false, err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		for {
			refused = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if !errors.Is(refused, syscall.EINTR) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(refused, syscall.EWOULDBLOCK):
		return false, nil
	case refused == nil, errors.Is(refused, errors.ErrUnsupported):
		return true, nil
	}
	return false, refused
}
