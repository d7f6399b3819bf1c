// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

const (
	// journalPause is how often a journal is read. A purge made elsewhere counts here
	// after as much and two round trips.
	journalPause = 100 * time.Millisecond

	// journalTimeout bounds one call, so that a journal which hung is found soon after
	// it answers again.
	journalTimeout = 250 * time.Millisecond

	// maxAppend is how many marks are appended at once.
	maxAppend = 1000
)

// ErrUnconfirmed says that a purge counts in this process, but doesn't stand in the journal
// yet that others read. It is written there as soon as that can be reached.
var ErrUnconfirmed = errors.New("the purge doesn't stand in the journal yet")

var (
	errSetBack = errors.New("the journal was set back and can't be renewed")
	errStuck   = errors.New("the journal says that it has more, and doesn't give it")
)

// journal follows a journal of purges that several processes share, and writes the
// purges of this one into it. One goroutine does both; a purge that waits to be confirmed
// writes its own.
type journal struct {
	c      *Cache
	shared *marks.Shared
	store  store.Journal

	wake    chan struct{} // there is something to append, or to read
	tried   chan struct{} // closed once the first attempt to read it has ended
	stopped chan struct{} // closed once the goroutine has ended
	stop    context.CancelFunc

	mu   sync.Mutex
	sent map[uint64]struct{} // pending marks that were appended, or are just being
	down bool                // the last round failed
}

// follow starts to follow a journal.
func (c *Cache) follow(shared *marks.Shared, s store.Journal) *journal {
	ctx, stop := context.WithCancel(context.Background())
	j := &journal{
		c: c, shared: shared, store: s, stop: stop, sent: map[uint64]struct{}{},
		wake: make(chan struct{}, 1), tried: make(chan struct{}), stopped: make(chan struct{}),
	}
	go j.run(ctx)
	return j
}

// run appends and reads until the cache is closed, and then appends what is left.
func (j *journal) run(ctx context.Context) {
	defer close(j.stopped)
	j.round(ctx)
	close(j.tried)
	for timer := time.NewTimer(journalPause); ; timer.Reset(journalPause) {
		select {
		case <-ctx.Done():
			timer.Stop()
			j.finish()
			return
		case <-j.wake:
			timer.Stop()
		case <-timer.C:
		}
		j.round(ctx)
	}
}

// finish appends all that is due, or until that fails.
func (j *journal) finish() {
	for {
		list := j.due()
		if len(list) == 0 || j.append(context.Background(), list) != nil {
			return
		}
	}
}

// round appends what is due and reads to the end. A journal that takes nothing can still
// be read.
func (j *journal) round(ctx context.Context) {
	err := errors.Join(j.append(ctx, j.due()), j.read(ctx))
	if ctx.Err() == nil {
		j.report(err)
	}
}

// read applies all marks that are new.
func (j *journal) read(ctx context.Context) error {
	renewed := false
	for {
		began, from := j.shared.Begin(), j.shared.Position()
		page, err := j.page(ctx)
		if err != nil {
			return err
		}
		switch j.shared.Apply(page, began) {
		case marks.Lost:
			j.lost()
		case marks.SetBack:
			if renewed {
				return errSetBack
			}
			if err := j.renew(ctx, page.Epoch); err != nil {
				return err
			}
			renewed = true
			j.lost()
			continue
		}
		switch {
		case !page.More:
			return nil
		case j.shared.Position() == from:
			return errStuck
		}
	}
}

func (j *journal) page(ctx context.Context) (page store.JournalPage, err error) {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	err = j.c.guard("journal", func() (err error) {
		page, err = j.store.Read(ctx, j.shared.Position())
		return err
	})
	return page, err
}

// renew gives a journal that was set back another epoch, so that what was stored when it
// had other marks is not taken to know the new ones.
func (j *journal) renew(ctx context.Context, epoch [16]byte) error {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	return j.c.guard("journal", func() error { return j.store.Renew(ctx, epoch) })
}

// lost is told that marks of others are gone. The own ones among them are written again.
func (j *journal) lost() {
	j.mu.Lock()
	clear(j.sent)
	j.mu.Unlock()
	j.c.emit(Event{Kind: EventJournal, Reason: ReasonPurge})
	j.c.log.Warn("the journal of purges was lost; stored responses are revalidated")
}

// due returns the marks that wait to be appended, and notes that they are.
func (j *journal) due() (list []store.Mark) {
	pending := j.c.marks.Pending(math.MaxInt)
	j.mu.Lock()
	defer j.mu.Unlock()
	still := make(map[uint64]struct{}, len(j.sent))
	for _, m := range pending {
		_, sent := j.sent[m.Source.Seq]
		if !sent && len(list) == maxAppend {
			continue
		}
		if !sent {
			list = append(list, m)
		}
		still[m.Source.Seq] = struct{}{}
	}
	j.sent = still // without those that were read meanwhile
	return list
}

// append writes marks that due returned. If that fails they are due again, although they
// may have been written: a mark that stands there twice does no harm.
func (j *journal) append(ctx context.Context, list []store.Mark) error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	err := j.c.guard("journal", func() error {
		_, err := j.store.Append(ctx, list)
		return err
	})
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, m := range list {
			delete(j.sent, m.Source.Seq)
		}
		return err
	}
	j.nudge()
	return nil
}

// confirm writes a purge of this process and waits until it stands there.
func (j *journal) confirm(ctx context.Context, list []store.Mark) error {
	j.mu.Lock()
	for _, m := range list {
		j.sent[m.Source.Seq] = struct{}{}
	}
	j.mu.Unlock()
	if err := j.append(ctx, list); err != nil {
		j.nudge()
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	return nil
}

// nudge starts the next round at once.
func (j *journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// report tells when the journal gets out of reach and when it is back.
func (j *journal) report(err error) {
	j.mu.Lock()
	changed := j.down != (err != nil)
	j.down = err != nil
	j.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		j.c.log.Warn("the journal of purges can't be reached", "error", err)
		j.c.emit(Event{Kind: EventJournal, Reason: ReasonUnreachable, Err: err})
	default:
		j.c.log.Info("the journal of purges is back")
		j.c.emit(Event{Kind: EventJournal, Reason: ReasonOK})
	}
}

// await waits for the first attempt to read the journal: before it, what is stored
// elsewhere can't be judged. It leaves half of the time to the store.
func (j *journal) await(ctx context.Context) {
	if j == nil {
		return
	}
	select {
	case <-j.tried:
		return
	default:
	}
	timer := time.NewTimer(j.c.cfg.StoreTimeout / 2)
	defer timer.Stop()
	select {
	case <-j.tried:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// close appends what is due and ends the goroutine. The error says what is lost.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	j.stop()
	select {
	case <-j.stopped:
	case <-time.After(j.c.writes.timeout + 2*journalTimeout):
		return errors.New("the journal ignores its deadline; it is still called")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	lost := 0
	for _, m := range j.c.marks.Pending(math.MaxInt) {
		if _, sent := j.sent[m.Source.Seq]; !sent {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%w: %d purges are lost", ErrUnconfirmed, lost)
	}
	return nil
}
