// SPDX-License-Identifier: MIT

package memory

import (
	"sync/atomic"
	"time"
)

// clock tells the wall time by the monotonic clock, which costs half as much to
// read, and half of a hit is reading it. It is set by every sweep and whenever
// the first entry comes, so that it follows a step of the wall clock within a minute.
type clock struct {
	base atomic.Pointer[time.Time]
}

func (c *clock) set() {
	now := time.Now()
	c.base.Store(&now)
}

// now returns Unix nanoseconds.
func (c *clock) now() int64 {
	base := c.base.Load()
	return base.UnixNano() + int64(time.Since(*base))
}
