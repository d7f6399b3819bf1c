// SPDX-License-Identifier: MIT

package flight

import "golang.org/x/sync/semaphore"

// Room bounds the bytes that all flights of a cache buffer together.
type Room struct{ free *semaphore.Weighted }

// NewRoom returns room for n bytes.
func NewRoom(n int64) *Room { return &Room{free: semaphore.NewWeighted(n)} }

func (r *Room) take(n int64) bool { return r.free.TryAcquire(n) }
func (r *Room) give(n int64) {
	if n > 0 {
		r.free.Release(n)
	}
}

// Chunks double from the first size to the last, so that a small response costs
// little and a large one is never copied to grow.
const (
	firstChunk = 4 << 10
	lastChunk  = 256 << 10
)

// buffer holds the bytes of a body from offset base to end. Bytes once appended
// never change, so readers use what they were handed without a lock.
type buffer struct {
	room      *Room
	chunks    [][]byte
	base, end int64
	charged   int64 // taken from room
}

// append copies as much of p as there is room for and returns how much that was.
func (b *buffer) append(p []byte) int {
	done := 0
	for done < len(p) {
		last := len(b.chunks) - 1
		if last < 0 || len(b.chunks[last]) == cap(b.chunks[last]) {
			if !b.grow(len(p) - done) {
				break
			}
			last = len(b.chunks) - 1
		}
		chunk := b.chunks[last]
		n := min(cap(chunk)-len(chunk), len(p)-done)
		b.chunks[last] = append(chunk, p[done:done+n]...)
		done += n
		b.end += int64(n)
	}
	return done
}

// grow adds an empty chunk. The first chunk of an empty buffer needs no room, so that a
// body always gets on, one small chunk at a time.
func (b *buffer) grow(want int) bool {
	size := firstChunk
	if n := len(b.chunks); n > 0 {
		size = 2 * cap(b.chunks[n-1])
	}
	size = min(max(size, min(want, lastChunk)), lastChunk)
	switch {
	case b.room.take(int64(size)):
		b.charged += int64(size)
	case len(b.chunks) > 0:
		return false
	default:
		size = firstChunk
	}
	b.chunks = append(b.chunks, make([]byte, 0, size))
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
		if off < at+int64(len(c)) {
			return c[off-at : len(c) : len(c)], true
		}
		at += int64(len(c))
	}
	return nil, true
}

// dropBelow forgets whole chunks that end at or before off.
func (b *buffer) dropBelow(off int64) {
	for len(b.chunks) > 0 {
		c := b.chunks[0]
		if b.base+int64(len(c)) > off || len(c) == 0 {
			return
		}
		b.base += int64(len(c))
		b.chunks[0] = nil
		b.chunks = b.chunks[1:]
		b.giveBack(int64(cap(c)))
	}
}

// release forgets everything.
func (b *buffer) release() {
	b.chunks = nil
	b.base = b.end
	b.giveBack(b.charged)
}

func (b *buffer) giveBack(n int64) {
	n = min(n, b.charged)
	b.charged -= n
	b.room.give(n)
}

// bytes returns the whole body in one piece; only while nothing was dropped.
func (b *buffer) bytes() []byte {
	if len(b.chunks) == 1 {
		return b.chunks[0]
	}
	body := make([]byte, 0, b.end)
	for _, c := range b.chunks {
		body = append(body, c...)
	}
	return body
}
