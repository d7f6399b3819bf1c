// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdover-go/holdover/store"
)

// journals are all journals of purges that a cache follows: that of its configuration, or
// those of its store, of which a failover has one for each member. A purge is written into
// each that can be reached, and what stands in one of them counts.
type journals []*journal

// confirm writes a purge of this process into all journals that could be reached the last
// time, or into any where none could. One that has it is enough.
func (js journals) confirm(ctx context.Context, made []store.Mark) error {
	if len(js) == 0 {
		return nil
	}
	if len(js) == 1 {
		return unconfirmed(js[0].confirm(ctx, made))
	}
	awaited := slices.DeleteFunc(slices.Clone(js), (*journal).isDown)
	for _, j := range js {
		if len(awaited) > 0 && j.isDown() {
			j.nudge() // it is tried, though nobody waits for it
		}
	}
	if len(awaited) == 0 {
		awaited = js
	}
	return unconfirmed(awaited.write(ctx, made))
}

// write writes into all at once, and waits for all. It fails if all do.
func (js journals) write(ctx context.Context, made []store.Mark) error {
	outcomes := make(chan error, len(js))
	for _, j := range js {
		go func() { outcomes <- j.confirm(ctx, made) }() // ends by journalTimeout
	}
	var failed []error
	for range js {
		if err := <-outcomes; err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) < len(js) {
		return nil
	}
	return errors.Join(failed...)
}

func unconfirmed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
}

// nudge makes all write and read at once.
func (js journals) nudge() {
	for _, j := range js {
		j.nudge()
	}
}

// await waits for the first attempt to read each journal: before it, what is stored
// elsewhere can't be judged. Half of a lookup's time after the start nobody waits any more.
func (js journals) await(ctx context.Context, opened time.Time, limit time.Duration) {
	for _, j := range js {
		select {
		case <-j.tried:
			continue
		default:
		}
		timer := time.NewTimer(max(limit/2-time.Since(opened), 0))
		select {
		case <-j.tried:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// close appends what is due and ends the goroutines. The error says what is lost: what
// stands in no journal.
func (js journals) close() error {
	if len(js) == 0 {
		return nil
	}
	closing := make(chan error, len(js))
	for _, j := range js {
		go func() { closing <- j.close() }()
	}
	var failed []error
	for range js {
		failed = append(failed, <-closing)
	}
	if lost := js.lost(); lost > 0 {
		failed = append(failed, fmt.Errorf("%w: %d purges are lost", ErrUnconfirmed, lost))
	}
	return errors.Join(failed...)
}

// lost counts the purges of this process that were written nowhere.
func (js journals) lost() (lost int) {
	nowhere := map[store.Position]int{}
	for _, j := range js {
		for _, m := range j.shared.Own() {
			if !j.has(m) {
				nowhere[m.Source]++
			}
		}
	}
	for _, n := range nowhere {
		if n == len(js) {
			lost++
		}
	}
	return lost
}
