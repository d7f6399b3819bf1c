// SPDX-License-Identifier: MIT

package flight

// Chunks double from the first size to the last, so that a small response costs
// little and a large one is never copied to grow.
const (
	firstChunk = 4 << 10
	lastChunk  = 256 << 10
)

// chunk is a piece of a body and what it took from the room.
type chunk struct {
	bytes []byte
	cost  int64
}

func (c *chunk) full() bool { return len(c.bytes) == cap(c.bytes) }

// buffer holds the bytes of a body from offset base to end. Bytes once appended
// never change, so readers use what they were handed without a lock.
type buffer struct {
	room      *Room
	chunks    []chunk
	base, end int64
}

// append copies as much of p as there is room for and returns how much that was.
func (b *buffer) append(p []byte) int {
	done := 0
	for done < len(p) {
		if n := len(b.chunks); n == 0 || b.chunks[n-1].full() {
			if !b.grow(len(p) - done) {
				break
			}
		}
		last := &b.chunks[len(b.chunks)-1]
		n := min(cap(last.bytes)-len(last.bytes), len(p)-done)
		last.bytes = append(last.bytes, p[done:done+n]...)
		done += n
		b.end += int64(n)
	}
	return done
}

// grow adds an empty chunk, a small one where there is no room for more. The first chunk
// of an empty buffer needs no room, so that a body always gets on, one chunk at a time.
func (b *buffer) grow(want int) bool {
	size := firstChunk
	if n := len(b.chunks); n > 0 {
		size = 2 * cap(b.chunks[n-1].bytes)
	}
	size = min(max(size, want), lastChunk)
	cost := int64(size)
	if !b.room.Take(cost) {
		size, cost = firstChunk, firstChunk
		if !b.room.Take(cost) {
			if len(b.chunks) > 0 {
				return false
			}
			cost = 0
		}
	}
	b.chunks = append(b.chunks, chunk{bytes: make([]byte, 0, size), cost: cost})
	return true
}

// from returns contiguous bytes beginning at off: nil at the end, and false for
// an offset that was dropped.
func (b *buffer) from(off int64) ([]byte, bool) {
	if off < b.base {
		return nil, false
	}
	at := b.base
	for _, c := range b.chunks {
		n := int64(len(c.bytes))
		if off < at+n {
			return c.bytes[off-at : n : n], true
		}
		at += n
	}
	return nil, true
}

// dropBelow forgets full chunks that end at or before off.
func (b *buffer) dropBelow(off int64) {
	for b.dropFirst(off) {
	}
}

// dropFirst forgets the first chunk if it is full and ends at or before off. One that
// isn't full goes on to be filled.
func (b *buffer) dropFirst(off int64) bool {
	if len(b.chunks) == 0 {
		return false
	}
	c := b.chunks[0]
	if !c.full() || b.base+int64(len(c.bytes)) > off {
		return false
	}
	b.base += int64(len(c.bytes))
	b.chunks[0] = chunk{}
	b.chunks = b.chunks[1:]
	b.room.Give(c.cost)
	return true
}

// release forgets everything.
func (b *buffer) release() {
	for _, c := range b.chunks {
		b.room.Give(c.cost)
	}
	b.chunks = nil
	b.base = b.end
}

// whole returns all of the body in one piece; only while nothing was dropped.
func (b *buffer) whole() []byte {
	if len(b.chunks) == 1 {
		p := b.chunks[0].bytes
		return p[:len(p):len(p)]
	}
	body := make([]byte, 0, b.end)
	for _, c := range b.chunks {
		body = append(body, c.bytes...)
	}
	return body
}
