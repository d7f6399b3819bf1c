// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
)

// Mark is a purge as it stands in a journal.
type Mark struct {
	// Hash is that of a URL or of a tag, or all bits set for everything.
	Hash uint64
	// Soft makes responses stale instead of taking them away.
	Soft bool
	// Source is the mark's place among those of the process that made it, by
	// which that process knows it again.
	Source Position
}

// Journal is implemented by stores, and by others, that keep purges for all processes
// that share stored responses. It is a list that grows at its end. The marks are numbered
// from 1 without gaps, and a list that begins anew, since it was deleted, evicted or lost
// by a restart, has another epoch: so whoever reads it notices what he can't read any more.
type Journal interface {
	// Append adds the marks, all of them or none, and returns the position of
	// the last.
	Append(ctx context.Context, marks []Mark) (Position, error)

	// Read returns marks behind a position, the oldest first. It doesn't wait for
	// more of them. The zero Position, one of another epoch, and one whose successor
	// is not kept any more give the oldest marks that are kept.
	Read(ctx context.Context, after Position) (JournalPage, error)
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
	if j, ok := s.(Journal); ok {
		return j, nil
	}
	return nil, errors.ErrUnsupported
}
