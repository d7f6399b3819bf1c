// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// unfollowed is after how long without anybody reading a journal nobody follows it.
const unfollowed = 5 * time.Second

// JournalOf returns the journal of the first member that has one.
func (f *Failover) JournalOf() (Journal, error) {
	for _, m := range f.members {
		if m.journal != nil {
			return m.journal, nil
		}
	}
	return nil, errors.ErrUnsupported
}

// JournalsOf returns the journals of all members that have one, in their order. They are
// called whatever the breakers say. Whoever reads them decides by [Merger] when a member that
// is back is used.
func (f *Failover) JournalsOf() []Journal {
	var list []Journal
	for _, m := range f.members {
		if m.journal != nil {
			list = append(list, m.journal)
		}
	}
	return list
}

// memberJournal is the journal of a member. It watches who reads it, and what.
type memberJournal struct {
	f       *Failover
	m       *member
	journal Journal
	reading atomic.Int32
	last    atomic.Int64 // when a Read ended, 0 for never; see Failover.clock
}

func (j *memberJournal) Append(ctx context.Context, marks []Mark) (p Position, err error) {
	err = guarded(func() (err error) {
		p, err = j.journal.Append(ctx, marks)
		return err
	})
	return p, err
}

func (j *memberJournal) Read(ctx context.Context, from Position) (page JournalPage, err error) {
	j.reading.Add(1)
	began := time.Now()
	defer func() {
		j.last.Store(max(int64(j.f.clock()), 1))
		j.reading.Add(-1)
	}()
	err = guarded(func() (err error) {
		page, err = j.journal.Read(ctx, from)
		return err
	})
	if err == nil && len(j.f.members) > 1 {
		j.m.learn(page, began)
	}
	return page, err
}

func (j *memberJournal) Renew(ctx context.Context, epoch [16]byte) error {
	return guarded(func() error { return j.journal.Renew(ctx, epoch) })
}

// Merged implements Merger.
func (j *memberJournal) Merged(began time.Time) { j.f.merged(j.m, began) }

// followed reports whether somebody reads the journal again and again.
func (j *memberJournal) followed() bool {
	if j == nil {
		return false
	}
	last := time.Duration(j.last.Load())
	return j.reading.Load() > 0 || last != 0 && j.f.clock()-last < unfollowed
}
