// SPDX-License-Identifier: MIT

package flight

import "golang.org/x/sync/semaphore"

// Room bounds the bytes that all flights of a cache buffer together. Each flight may
// hold one small chunk beyond it, so that none has to wait for another.
type Room struct{ free *semaphore.Weighted }

// NewRoom returns room for n bytes.
func NewRoom(n int64) *Room { return &Room{free: semaphore.NewWeighted(n)} }

func (r *Room) take(n int64) bool { return r.free.TryAcquire(n) }

func (r *Room) give(n int64) {
	if n > 0 {
		r.free.Release(n)
	}
}
