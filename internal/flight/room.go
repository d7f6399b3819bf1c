// SPDX-License-Identifier: MIT

package flight

import "golang.org/x/sync/semaphore"

// Room bounds the bytes that all flights of a cache buffer together. Each flight may
// hold one small chunk beyond it, so that none has to wait for another.
type Room struct {
	free *semaphore.Weighted
	of   *Room // of which this is a part, nil for all of it
}

// NewRoom returns room for n bytes.
func NewRoom(n int64) *Room { return &Room{free: semaphore.NewWeighted(n)} }

// Part returns room for at most n bytes of r, for those that hold them as long as clients
// like, so that they leave something to the others.
func (r *Room) Part(n int64) *Room { return &Room{free: semaphore.NewWeighted(n), of: r} }

// Take takes room for n bytes and reports whether there was as much. Give gives it back.
func (r *Room) Take(n int64) bool {
	if !r.free.TryAcquire(n) {
		return false
	}
	if r.of != nil && !r.of.Take(n) {
		r.free.Release(n)
		return false
	}
	return true
}

// Give gives back what Take took.
func (r *Room) Give(n int64) {
	if n <= 0 {
		return
	}
	r.free.Release(n)
	if r.of != nil {
		r.of.Give(n)
	}
}
