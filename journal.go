// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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

	// sayPause is how long a process that couldn't say that it writes there waits before it
	// tries again.
	sayPause = 10 * time.Second

	// maxAppend is how many marks are appended at once.
	maxAppend = 1000
)

// ErrUnconfirmed says that a purge counts in this process, but doesn't stand in a journal
// yet that others read. It is written there as soon as one can be reached.
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

	sayAfter time.Time // of the goroutine: not before does it say again that it is here

	mu      sync.Mutex
	sent    map[store.Position]time.Time // when marks were appended that it lacks, by source; zero while they are being
	wasRead time.Time                    // when it was last begun to be read, and then was to the end
	down    bool                         // the last round failed
}

// follow starts to follow a journal.
func (c *Cache) follow(shared *marks.Shared, s store.Journal) *journal {
	ctx, stop := context.WithCancel(context.Background())
	j := &journal{
		c: c, shared: shared, store: s, stop: stop, sent: map[store.Position]time.Time{},
		wake: make(chan struct{}, 1), tried: make(chan struct{}), stopped: make(chan struct{}),
	}
	go j.run(ctx)
	return j
}

// run appends and reads until the cache is closed, and then appends what is left.
func (j *journal) run(ctx context.Context) {
	defer close(j.stopped)
	patience := time.AfterFunc(j.c.cfg.StoreTimeout, j.shared.Tried) // one that hangs doesn't keep the others from being trusted
	j.round(ctx)
	patience.Stop()
	j.shared.Tried()
	close(j.tried)
	for timer := time.NewTimer(journalPause); ; timer.Reset(journalPause) {
		select {
		case <-ctx.Done():
		case <-j.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil { // also if there is more to do: no round begins after the stop
			j.finish()
			return
		}
		j.round(ctx)
	}
}

// finish appends the own marks that wait, until that fails or there is no time left.
func (j *journal) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), j.c.writes.timeout)
	defer cancel()
	own := slices.DeleteFunc(j.shared.Own(), j.has)
	for list := range slices.Chunk(own, maxAppend) {
		if ctx.Err() != nil || j.append(ctx, list) != nil {
			return
		}
	}
}

// round appends what is due and reads to the end. A journal that takes nothing can still
// be read.
func (j *journal) round(ctx context.Context) {
	began := time.Now()
	list := j.due()
	err := j.append(ctx, list)
	if err != nil && len(list) == 1 && list[0].Hash == store.PresenceHash {
		j.sayAfter, err = began.Add(sayPause), nil // who may only read does that
	}
	if err = errors.Join(err, j.read(ctx)); ctx.Err() != nil {
		return
	}
	if err != nil {
		j.shared.OutOfReach()
	} else if m, wants := j.store.(store.Merger); wants && j.shared.Whole() {
		m.Merged(began)
	}
	j.report(err)
}

// read applies all marks that are new.
func (j *journal) read(ctx context.Context) error {
	renewed, started := false, time.Now()
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
			j.mu.Lock()
			j.wasRead = started
			j.mu.Unlock()
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

// lost is told that marks of others are gone.
func (j *journal) lost() {
	if j.shared.Covered() {
		j.log().Info("a journal of purges began anew; another one has what it had")
		return
	}
	j.c.emit(Event{Kind: EventJournal, Reason: ReasonPurge})
	j.log().Warn("the journal of purges was lost; stored responses are revalidated")
}

// due returns the marks that wait to be appended, and notes that they are: those which were
// appended and are still not there after it was read are lost.
func (j *journal) due() []store.Mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	for source, at := range j.sent {
		if again := !at.IsZero() && at.Before(j.wasRead); again || !j.shared.Lacks(source) {
			delete(j.sent, source)
		}
	}
	list := j.shared.Due(maxAppend, func(source store.Position) bool {
		_, sent := j.sent[source]
		return sent || source.Seq == 0 && time.Now().Before(j.sayAfter) // its presence
	})
	for _, m := range list {
		j.sent[m.Source] = time.Time{}
	}
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
	j.mu.Lock()
	for _, m := range list {
		if err != nil {
			delete(j.sent, m.Source)
		} else {
			j.sent[m.Source] = time.Now()
		}
	}
	j.mu.Unlock()
	if err == nil {
		j.nudge()
	}
	return err
}

// confirm writes a purge of this process into the journal.
func (j *journal) confirm(ctx context.Context, list []store.Mark) error {
	j.mu.Lock()
	for _, m := range list {
		j.sent[m.Source] = time.Time{}
	}
	j.mu.Unlock()
	err := j.append(ctx, list)
	if err != nil {
		j.nudge()
	}
	return err
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
		j.log().Warn("the journal of purges can't be reached", "error", err)
		j.c.emit(Event{Kind: EventJournal, Reason: ReasonUnreachable, Err: err})
	default:
		j.log().Info("the journal of purges is back")
		j.c.emit(Event{Kind: EventJournal, Reason: ReasonOK})
	}
}

// close appends what is due and ends the goroutine.
func (j *journal) close() error {
	j.stop()
	timer := time.NewTimer(j.c.writes.timeout + 4*journalTimeout)
	defer timer.Stop()
	select {
	case <-j.stopped:
		return nil
	case <-timer.C:
		return errors.New("the journal ignores its deadline; it is still called")
	}
}

// has tells which marks were appended here, though perhaps not read yet.
func (j *journal) has(m store.Mark) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, sent := j.sent[m.Source]
	return sent
}

// log says which of several journals is meant.
func (j *journal) log() *slog.Logger {
	if len(j.c.marks.Shared()) < 2 {
		return j.c.log
	}
	return j.c.log.With("journal", slices.Index(j.c.marks.Shared(), j.shared))
}

func (j *journal) isDown() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.down
}
