// SPDX-License-Identifier: MIT

package backoff

import (
	"math"
	"time"
)

// maxAsked bounds the keys that a scope counts. The defaults need 50: that many
// keys reach the largest rate.
const maxAsked = 64

// perKeyGap is the least time between two probes of one key while its scope fails.
const perKeyGap = time.Second

// trickle hands out the probes of a failing scope.
type trickle struct {
	asked     [maxAsked]asked // the keys asked for last, in no order
	granted   int64           // when the last probe was handed out
	contended bool            // a key whose turn it is was put off since then
}

type asked struct {
	key uint64
	at  int64 // 0 = empty
}

func (a asked) within(window time.Duration, now int64) bool {
	age := now - a.at
	return a.at != 0 && age < int64(window) && age >= -int64(maxSkew)
}

// note remembers that a key with a servable copy was asked for, in place of the
// one that has not been for the longest time. So the slots always hold the keys
// asked for last, and counting those within the window is exact up to their number.
func (t *trickle) note(cfg Config, key uint64, now int64) {
	slots := t.asked[:cfg.countedKeys()]
	oldest := &slots[0]
	for i := range slots {
		slot := &slots[i]
		if slot.key == key {
			oldest = slot
			break
		}
		if !slot.within(cfg.AskedWindow, now) {
			slot.at = 0
		}
		if slot.at < oldest.at {
			oldest = slot
		}
	}
	*oldest = asked{key: key, at: now}
}

// countedKeys returns how many keys reach the largest rate.
func (c Config) countedKeys() int {
	return int(min(math.Ceil(c.TrickleMax/c.TricklePerKey), maxAsked))
}

func (t *trickle) count(cfg Config, now int64) (n int) {
	for _, slot := range t.asked[:cfg.countedKeys()] {
		if slot.within(cfg.AskedWindow, now) {
			n++
		}
	}
	return n
}

// gaps returns the least time between two probes of the scope, and the time in
// which each of its keys would get one if they took turns.
func (t *trickle) gaps(cfg Config, now int64) (gap, turn time.Duration) {
	n := float64(t.count(cfg, now))
	rate := min(max(n*cfg.TricklePerKey, cfg.TrickleMin), cfg.TrickleMax)
	gap = time.Duration(math.Ceil(float64(time.Second) / rate))
	return gap, time.Duration(n) * gap
}

// next returns when the key may be probed. A key that had its turn gives way for
// one more gap if another was put off, so that a busy key that fails for reasons
// of its own can't take every probe and keep the others stale.
func (t *trickle) next(cfg Config, k *Key, now int64) int64 {
	gap, turn := t.gaps(cfg, now)
	if t.contended && !k.due(turn, now) {
		gap *= 2
	}
	return max(
		until(t.granted+int64(gap), now, gap),
		until(k.FetchedAt+int64(perKeyGap), now, perKeyGap),
	)
}

// putOff notes that the key has to wait.
func (t *trickle) putOff(cfg Config, k *Key, now int64) {
	_, turn := t.gaps(cfg, now)
	t.contended = t.contended || k.due(turn, now)
}

// grant notes that a probe was handed out.
func (t *trickle) grant(now int64) {
	t.granted, t.contended = now, false
}

// due reports whether the key was not fetched within its turn.
func (k *Key) due(turn time.Duration, now int64) bool {
	return until(k.FetchedAt+int64(turn), now, turn) <= now
}
