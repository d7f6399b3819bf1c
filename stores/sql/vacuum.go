// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"time"
)

const (
	// vacuumPages is how many pages are given back at once.
	vacuumPages = 200

	// A file keeps up to a tenth of its pages free, to be filled again, and a small
	// one up to 4 MiB.
	minFreePages = 1000
)

// shrink makes the file of SQLite smaller where much of it is free. It can't where the file
// was not created with auto_vacuum.
func (t *trimmer) shrink(ctx context.Context) error {
	if !t.store.has(vacuum) {
		return nil
	}
	shrunk := false
	for {
		began := time.Now()
		more, err := t.shrinkBit(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		shrunk = true
		if !sleep(ctx, time.Since(began)) {
			return ctx.Err()
		}
	}
	if !shrunk {
		return nil
	}
	// The file itself is cut when the log is copied to it.
	return t.drain(ctx, checkpoint)
}

// shrinkBit gives some pages back, and reports whether there may be more.
func (t *trimmer) shrinkBit(ctx context.Context) (more bool, err error) {
	free, err := t.number(ctx, freePages)
	if err != nil {
		return false, err
	}
	all, err := t.number(ctx, pages)
	if err != nil || free <= max(all/10, minFreePages) {
		return false, err
	}
	if err := t.drain(ctx, vacuum); err != nil {
		return false, err
	}
	left, err := t.number(ctx, freePages)
	return left < free, err
}

func (t *trimmer) number(ctx context.Context, n name) (value int64, err error) {
	err = t.step(ctx, func(ctx context.Context) error { return t.store.row(ctx, n, []any{&value}) })
	return value, err
}

// drain performs a statement that does its work row by row, whatever these say.
func (t *trimmer) drain(ctx context.Context, n name) error {
	return t.step(ctx, func(ctx context.Context) error {
		return t.store.do(ctx, n, func(q *statement) error { return q.rows(ctx, nil, nil) })
	})
}
