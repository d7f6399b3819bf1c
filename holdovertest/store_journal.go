// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/holdover-go/holdover/store"
)

// JournalOf returns the journal of the store that is wrapped, with the same faults, or
// errors.ErrUnsupported.
func (s *Store) JournalOf() (store.Journal, error) {
	j, err := store.JournalOf(s.under)
	if err != nil {
		return nil, err
	}
	return s.Journal(j), nil
}

// JournalsOf returns all journals of the store that is wrapped, with the same faults.
func (s *Store) JournalsOf() []store.Journal {
	list := slices.Clone(store.JournalsOf(s.under))
	for i, j := range list {
		list[i] = s.Journal(j)
	}
	return list
}

// Journal puts the faults of the store on a journal that stands elsewhere, such as what
// holdover.Config.Journal is to be.
func (s *Store) Journal(under store.Journal) store.Journal {
	return &faultyJournal{under: under, faults: s.faults}
}

type faultyJournal struct {
	under  store.Journal
	faults *faulty
}

// Append adds all marks or none, as the contract wants it, so it isn't done in part.
func (j *faultyJournal) Append(ctx context.Context, marks []store.Mark) (p store.Position, err error) {
	err = j.faults.call(ctx, OpAppend, func() (err error) {
		p, err = j.under.Append(ctx, marks)
		return err
	}, nil)
	if err != nil {
		return store.Position{}, err
	}
	return p, nil
}

// Read returns, done in part, the first marks of a page, at least two: the first one is that
// from which it is read, so that whoever reads on gets further.
func (j *faultyJournal) Read(ctx context.Context, from store.Position) (page store.JournalPage, err error) {
	whole := func() (err error) {
		page, err = j.under.Read(ctx, from)
		return err
	}
	err = j.faults.call(ctx, OpRead, whole, func(random *rand.Rand) error {
		err := whole()
		if n := len(page.Marks); n > 2 {
			keep := 2 + random.IntN(n-2)
			page.Marks, page.More = page.Marks[:keep:keep], true
		}
		return err
	})
	if err != nil {
		return store.JournalPage{}, err
	}
	return page, nil
}

func (j *faultyJournal) Renew(ctx context.Context, epoch [16]byte) error {
	return j.faults.call(ctx, OpRenew, func() error { return j.under.Renew(ctx, epoch) }, nil)
}

// Merged implements store.Merger.
func (j *faultyJournal) Merged(began time.Time) {
	if m, wants := j.under.(store.Merger); wants {
		m.Merged(began)
	}
}

// LeaserOf returns what leases the keys of the store that is wrapped, with the same
// faults, or errors.ErrUnsupported.
func (s *Store) LeaserOf() (store.Leaser, error) {
	l, err := store.LeaserOf(s.under)
	if err != nil {
		return nil, err
	}
	return &faultyLeaser{under: l, faults: s.faults}, nil
}

type faultyLeaser struct {
	under  store.Leaser
	faults *faulty
}

func (l *faultyLeaser) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (has store.Holder, err error) {
	err = l.faults.call(ctx, OpLease, func() (err error) {
		has, err = l.under.Lease(ctx, key, holder, d)
		return err
	}, func(*rand.Rand) error {
		has = holder
		return nil
	})
	if err != nil {
		return store.Holder{}, err
	}
	return has, nil
}

func (l *faultyLeaser) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	return l.faults.call(ctx, OpRelease, func() error { return l.under.Release(ctx, key, holder, note, d) }, forget)
}
