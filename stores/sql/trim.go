// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// firstTrim is how soon after its first write a process looks for what must be
	// dropped, and trimEvery how often from then on.
	firstTrim = 5 * time.Second
	trimEvery = time.Minute

	// afterFailure is how long trimming rests when it failed.
	afterFailure = time.Second

	// maxThrottle is how long a set that is done waits for the trimmer, where that can't
	// keep up with the writers.
	maxThrottle = 20 * time.Millisecond

	// A batch is what is dropped at once, so that no other statement waits long.
	batchRows  = 100
	batchBytes = 4 << 20
)

// trimmer drops what has expired, and what was written longest ago if the values exceed
// their bound. It is one goroutine, from the first write until the store is closed. Several
// processes may trim a table: none waits for rows that another one is dropping, and all
// come to the same end.
type trimmer struct {
	store    *Store
	log      *slog.Logger
	table    string
	maxBytes int64 // 0 or less: no bound
	first    time.Duration
	every    time.Duration

	started atomic.Bool
	written atomic.Int64                  // bytes since the size was last estimated
	kick    chan struct{}                 // the size must be estimated now
	ended   atomic.Pointer[chan struct{}] // closed when the next round ends
	slices  atomic.Int32                  // the last estimate read one of 1<<slices slices
	failing atomic.Bool                   // the last round failed
	logged  time.Time                     // when that was said
}

func (t *trimmer) configure(s *Store, cfg Config) {
	t.store, t.log, t.table, t.maxBytes = s, cfg.Logger, cfg.Table, cfg.MaxBytes
	t.first, t.every = firstTrim, trimEvery
	t.kick = make(chan struct{}, 1)
	t.slices.Store(maxSlices)
	ended := make(chan struct{})
	t.ended.Store(&ended)
}

// wrote counts what was written. The size is estimated whenever this process alone wrote a
// 128th of the bound, so that a dozen of them together don't exceed it by a tenth. When it
// wrote four times that in the meantime, its writers wait a bit.
func (t *trimmer) wrote(ctx context.Context, n int) {
	if !t.started.Load() && !t.started.Swap(true) {
		t.store.calls.background(t.run)
	}
	written, due := t.written.Add(int64(n)), t.maxBytes/128
	if t.maxBytes <= 0 || written < due {
		return
	}
	select {
	case t.kick <- struct{}{}:
	default: // that is known
	}
	if written < 4*due || t.failing.Load() {
		return
	}
	limit := time.NewTimer(maxThrottle)
	defer limit.Stop()
	select {
	case <-*t.ended.Load():
	case <-limit.C:
	case <-ctx.Done():
	}
}

func (t *trimmer) run(ctx context.Context) {
	timer := time.NewTimer(t.first)
	defer timer.Stop()
	for {
		select {
		case <-t.kick:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		err := recovered(func() error { return t.round(ctx) })
		t.failing.Store(err != nil)
		if err != nil && ctx.Err() == nil {
			t.report(err)
			if !sleep(ctx, afterFailure) {
				return
			}
		}
		// Not in step with other processes.
		timer.Reset(t.every/2 + rand.N(t.every))
	}
}

// report logs a failure, once a minute.
func (t *trimmer) report(err error) {
	if now := time.Now(); now.Sub(t.logged) > time.Minute {
		t.logged = now
		t.log.Warn("sql: entries could not be dropped, the table may grow", "table", t.table, "error", err)
	}
}

// round drops all that must be dropped.
func (t *trimmer) round(ctx context.Context) error {
	next := make(chan struct{})
	defer func() { close(*t.ended.Swap(&next)) }()
	if err := t.dropExpired(ctx); err != nil {
		return err
	}
	if t.maxBytes > 0 {
		if err := t.dropOldest(ctx); err != nil {
			return err
		}
	}
	return t.shrink(ctx)
}

func (t *trimmer) dropExpired(ctx context.Context) error {
	return t.batches(ctx, batchRows, expire, func() int64 { return time.Now().UnixMilli() })
}

// dropOldest drops a 32nd of the bound more than it must, so that it isn't needed again at
// once.
//
// Where the rows to be dropped end is settled before the first of them is: another process
// that finds the same size drops the same rows, and not as many again. If it did so
// already while this one looked where they end, the second estimate says so.
func (t *trimmer) dropOldest(ctx context.Context) error {
	t.written.Store(0)
	over, err := t.over(ctx)
	if err != nil || over <= 0 {
		return err
	}
	cuts, err := t.cuts(ctx, over+t.maxBytes/32)
	if err != nil {
		return err
	}
	if over, err = t.over(ctx); err != nil || over <= 0 {
		return err
	}
	upTo, found := choose(cuts, over, over+t.maxBytes/32)
	if !found {
		return nil
	}
	limit := min(max(batchBytes/max(upTo.bytes/upTo.rows, 1), 1), batchRows)
	return t.batches(ctx, limit, trim, func() int64 { return upTo.id })
}

// choose returns the last cut with as many bytes as are wanted at most, or, where these are
// fewer than must go, the first one with enough.
func choose(cuts []cut, must, wanted int64) (best cut, found bool) {
	for _, c := range cuts {
		if best.bytes >= must && c.bytes > wanted {
			break
		}
		best, found = c, true
	}
	return best, found
}

func (t *trimmer) over(ctx context.Context) (int64, error) {
	size, err := t.size(ctx)
	return size - t.maxBytes, err
}

// batches performs a statement that drops rows, until it finds no more. After each batch
// it leaves the database to others for as long as that took, unless they write too fast.
func (t *trimmer) batches(ctx context.Context, limit int64, n name, upTo func() int64) error {
	for {
		began := time.Now()
		var dropped int64
		err := t.step(ctx, func(ctx context.Context) (err error) {
			dropped, err = t.store.exec(ctx, n, upTo(), limit)
			return err
		})
		if err != nil || dropped < limit {
			return err
		}
		if t.maxBytes > 0 && t.written.Load() > t.maxBytes/64 {
			continue
		}
		if !sleep(ctx, time.Since(began)) {
			return ctx.Err()
		}
	}
}

// step bounds the time of one statement.
func (t *trimmer) step(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, t.store.calls.patience)
	defer cancel()
	return because(ctx, f(ctx))
}

// cut is a place in the table: up to which row, and what the rows up to there are.
type cut struct{ id, rows, bytes int64 }

// cuts walks over the rows written longest ago, as far as their values have so many bytes,
// and notes at least every 16th part of the way.
func (t *trimmer) cuts(ctx context.Context, bytes int64) (list []cut, err error) {
	var last cut
	for limit := int64(5000); last.bytes < bytes; {
		var next cut
		err := t.step(ctx, func(ctx context.Context) error {
			return t.store.row(ctx, walk, []any{&next.id, &next.rows, &next.bytes}, last.id, limit)
		})
		if err != nil || next.rows == 0 {
			return list, err
		}
		if next.bytes > min(bytes-last.bytes, bytes/16) && limit > 1 {
			limit = max(limit/8, 1)
			continue
		}
		last = cut{next.id, last.rows + next.rows, last.bytes + next.bytes}
		list = append(list, last)
	}
	return list, nil
}
