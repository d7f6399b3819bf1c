// SPDX-License-Identifier: MIT

package store

import "sync"

// maxChanges bounds those that wait while OnChange runs.
const maxChanges = 256

// MemberChange says that a Failover uses a member in another way from now on.
type MemberChange struct {
	Member   int // its number, from 0
	From, To State
	Err      error // why it was opened, or stays open
}

// changes hands changes to OnChange, one at a time and in their order, on the goroutine of
// whoever comes by.
type changes struct {
	call func(MemberChange)

	mu    sync.Mutex
	queue []MemberChange
	busy  bool
}

// put notes a change. The newest is dropped where too many wait: OnChange hangs then.
func (c *changes) put(change MemberChange) {
	if c.call == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) < maxChanges {
		c.queue = append(c.queue, change)
	}
}

// deliver calls OnChange until nothing waits, unless somebody else is doing so.
func (c *changes) deliver() {
	for {
		change, some := c.take()
		if !some {
			return
		}
		c.tell(change)
	}
}

func (c *changes) take() (MemberChange, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy || len(c.queue) == 0 {
		return MemberChange{}, false
	}
	c.busy = true
	change := c.queue[0]
	c.queue = c.queue[1:]
	return change, true
}

func (c *changes) tell(change MemberChange) {
	defer func() {
		c.mu.Lock()
		c.busy = false
		c.mu.Unlock()
	}()
	_ = guarded(func() error {
		c.call(change)
		return nil
	})
}
