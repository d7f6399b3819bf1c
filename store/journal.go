// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"time"
)

// Mark is a purge as it stands in a journal.
type Mark struct {
	// Hash is that of a URL or of a tag, all bits set for everything,
	// ReturnHash, or PresenceHash.
	Hash uint64
	// Soft makes responses stale instead of taking them away.
	Soft bool
	// Source is the mark's place among those of the process that made it, by
	// which that process knows it again.
	Source Position
}

// ReturnHash is the hash of marks that purge nothing: such a mark says that the store with
// this journal is used again after another had stood in for it, see [Failover].
const ReturnHash = ^uint64(0) - 1

// PresenceHash is the hash of marks that purge nothing: by such a mark a process says that it
// writes its purges into this journal. So others can tell whether a journal has those of all who
// write into another one: a store that each machine has for itself has not.
const PresenceHash = ^uint64(0) - 2

// Journal is implemented by stores, and by others, that keep purges for all processes
// that share stored responses. It is a list that grows at its end. The marks are numbered
// from 1 without gaps, and a list that begins anew, since it was deleted, evicted or lost
// by a restart, has another epoch: so whoever reads it notices what he can't read any more.
// The last thousand marks are always kept, whatever their age.
type Journal interface {
	// Append adds the marks, all of them or none, and returns the position of
	// the last.
	Append(ctx context.Context, marks []Mark) (Position, error)

	// Read returns marks from a position on, the one there included, the oldest
	// first. It doesn't wait for more of them. The zero Position, one of another epoch,
	// and one whose mark isn't kept give the oldest marks that are kept.
	//
	// Who has read a mark before sees by it that the journal is still the same: one
	// that was set back, by a backup say, has other marks under the same numbers.
	Read(ctx context.Context, from Position) (JournalPage, error)

	// Renew begins the journal anew, with another epoch and no marks, if it has this
	// epoch. Who finds that it was set back calls it.
	Renew(ctx context.Context, epoch [16]byte) error
}

// JournalPage is a part of a journal.
type JournalPage struct {
	Epoch [16]byte
	// Base is the number of the mark before the first one of Marks, or of the
	// journal's last mark where there is none.
	Base uint64
	// Marks have the numbers Base+1, Base+2, …
	Marks []Mark
	// More says that there are further marks.
	More bool
}

// Position returns where the page ends.
func (p JournalPage) Position() Position {
	return Position{Epoch: p.Epoch, Seq: p.Base + uint64(len(p.Marks))}
}

// JournalOf returns the store's journal, or errors.ErrUnsupported.
func JournalOf(s Store) (Journal, error) {
	switch s := s.(type) {
	case Journal:
		return s, nil
	case interface{ JournalOf() (Journal, error) }: // it has one if what it wraps has
		return s.JournalOf()
	}
	return nil, errors.ErrUnsupported
}

// JournalsOf returns all journals that stand for the store, such as those of the members of
// a Failover: a purge is written into each that can be reached, and all are read. Without
// one it returns nil.
func JournalsOf(s Store) []Journal {
	if several, ok := s.(interface{ JournalsOf() []Journal }); ok {
		return several.JournalsOf()
	}
	if j, err := JournalOf(s); err == nil {
		return []Journal{j}
	}
	return nil
}

// Merger is implemented by journals that want to know when whoever follows them has read
// them to their end and written what they lacked. began is when that attempt began.
type Merger interface {
	Merged(began time.Time)
}
