// SPDX-License-Identifier: MIT

//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// openFlags keep an open of a named pipe, which somebody may have put in the place of a
// file, from waiting for its other end.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// diskFull reports whether a write failed for want of room.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
