// SPDX-License-Identifier: MIT

package flight

// Copy keeps a body that somebody else writes to its client, within the same bounds as
// a flight's. It is not safe for concurrent use.
type Copy struct {
	buf   buffer
	limit int64
	lost  bool
}

// NewCopy returns a copy of at most limit bytes that takes its memory from room.
func NewCopy(room *Room, limit int64) *Copy {
	return &Copy{buf: buffer{room: room}, limit: limit}
}

// Add appends p. A body that outgrows its bounds is lost.
func (c *Copy) Add(p []byte) {
	if c.lost {
		return
	}
	if c.buf.end+int64(len(p)) > c.limit || c.buf.append(p) < len(p) {
		c.Lose()
	}
}

// Lose gives the copy up.
func (c *Copy) Lose() {
	c.lost = true
	c.buf.release()
}

// Whole returns the body, and false if it is lost.
func (c *Copy) Whole() ([]byte, bool) {
	if c.lost {
		return nil, false
	}
	return c.buf.whole(), true
}

// Release gives the memory back to the room. What Whole returned stays valid.
func (c *Copy) Release() { c.Lose() }
