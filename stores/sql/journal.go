// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"math"

	"github.com/holdover-go/holdover/store"
)

var _ store.Journal = (*Store)(nil)

const (
	// maxMarks is how many marks are kept, some 50 MiB. Responses that know less than
	// the oldest of them are revalidated by whoever is started then.
	maxMarks = 500_000

	// marksPerPage are read at once, marksPerDrop dropped at once.
	marksPerPage = 2000
	marksPerDrop = 1000
)

// errJournal says that the journal's tables hold something else, or that they were spoilt
// again and again while a call was under way.
var errJournal = errors.New("the journal holds what isn't one")

// Append adds purges to the journal that all stores on the same database and with the same
// Table share, and returns the position of the last. They are on the disk of the server when
// it returns, whatever synchronous_commit is set to. Where a connection breaks before the
// answer has come, they may stand twice.
func (s *Store) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	p, err := call(ctx, s.calls, func(ctx context.Context) (store.Position, error) {
		return s.appendMarks(ctx, encodeMarks(marks), int64(len(marks)))
	})
	if err == nil {
		s.dropOldMarks()
	}
	return p, s.values.Failure("append to journal", err)
}

// Read returns up to 2,000 marks of the journal from a position on. It asks the first pool in
// PostgreSQL, since a replica doesn't know the last marks, and Readers in SQLite.
func (s *Store) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	page, err := call(ctx, s.calls, func(ctx context.Context) (store.JournalPage, error) {
		return s.readMarks(ctx, from)
	})
	if err == nil {
		s.dropOldMarks()
	}
	return page, s.values.Failure("read journal", err)
}

// Renew begins the journal anew, if it has this epoch.
func (s *Store) Renew(ctx context.Context, epoch [16]byte) error {
	_, err := call(ctx, s.calls, func(ctx context.Context) (bool, error) { return true, s.renew(ctx, epoch[:]) })
	return s.values.Failure("renew journal", err)
}

// appendMarks begins the journal where there is none, and anew where marks stand already
// under the next numbers.
func (s *Store) appendMarks(ctx context.Context, marks []byte, n int64) (store.Position, error) {
	for range maxRounds {
		end, err := s.add(ctx, marks, n)
		switch {
		case err == nil:
			if end.number/marksPerDrop != (end.number-n)/marksPerDrop {
				s.dropMarks()
			}
			return store.Position{Epoch: end.epoch, Seq: uint64(end.seq)}, nil
		case errors.Is(err, store.ErrNotFound):
			err = s.renew(ctx, nil)
		case isTaken(err):
			var found journalRows
			if found, err = s.marksFrom(ctx, store.Position{}); err == nil {
				err = s.renew(ctx, found.epoch)
			}
		}
		if err != nil {
			return store.Position{}, err
		}
	}
	return store.Position{}, errJournal
}

// journalEnd is where the journal ends after an Append.
type journalEnd struct {
	epoch       [16]byte
	seq, number int64
}

// add appends in one transaction. In PostgreSQL that is one statement: a process that
// hangs never keeps the others waiting at its lock.
func (s *Store) add(ctx context.Context, marks []byte, n int64) (end journalEnd, err error) {
	var epoch []byte
	to := []any{&epoch, &end.seq, &end.number}
	if s.dialect == SQLite {
		err = s.durably(ctx, func(conn *stdsql.Conn) error {
			return s.addInSQLite(ctx, conn, to, marks, n)
		})
	} else {
		err = s.row(ctx, addMarks, to, n, s.maxMarks, marks)
	}
	if err == nil && (len(epoch) != len(end.epoch) || end.seq < 0) {
		err = errJournal
	}
	copy(end.epoch[:], epoch)
	return end, err
}

// readMarks begins the journal anew where something is missing, or may be.
func (s *Store) readMarks(ctx context.Context, from store.Position) (store.JournalPage, error) {
	for range maxRounds {
		history, err := s.history(ctx)
		if err != nil {
			return store.JournalPage{}, err
		}
		found, err := s.marksFrom(ctx, from)
		if err != nil {
			return store.JournalPage{}, err
		}
		if found.whole() && (history == "" || history == found.history) {
			return found.page()
		}
		if err := s.renew(ctx, found.epoch); err != nil {
			return store.JournalPage{}, err
		}
	}
	return store.JournalPage{}, errJournal
}

// journalRows are the rows of a page, all as they stood at one moment.
type journalRows struct {
	epoch             []byte // nil: there is no journal
	history           string
	base, first, last int64
	marks             []store.Mark
	count             int64 // how many rows
	gap               bool  // a row before the last one is missing
	unreadable        bool
}

func (s *Store) marksFrom(ctx context.Context, from store.Position) (found journalRows, err error) {
	if from.Seq > math.MaxInt32<<24 { // none has so many
		from.Seq = 0
	}
	err = s.do(ctx, pageOfMarks, func(q *statement) error {
		r := journalRows{}
		var number stdsql.NullInt64
		var mark []byte
		err := q.rows(ctx, []any{&r.epoch, &r.history, &r.base, &r.first, &r.last, &number, &mark}, func() {
			if number.Valid {
				r.add(number.Int64, mark)
			}
		}, from.Epoch[:], int64(from.Seq), marksPerPage)
		found = r
		return err
	})
	return found, err
}

func (r *journalRows) add(number int64, mark []byte) {
	r.gap = r.gap || number != r.first+r.count
	m, err := store.DecodeMark(mark)
	r.unreadable = r.unreadable || err != nil
	r.marks = append(r.marks, m)
	r.count++
}

// whole reports whether all marks are there that the journal says it has.
func (r *journalRows) whole() bool {
	return len(r.epoch) == 16 && !r.gap && r.base >= 0 && r.first > r.base &&
		r.count == min(r.last-r.first+1, marksPerPage)
}

func (r *journalRows) page() (store.JournalPage, error) {
	if r.unreadable {
		return store.JournalPage{}, errJournal
	}
	return store.JournalPage{
		Epoch: [16]byte(r.epoch), Base: uint64(r.first - 1 - r.base),
		Marks: r.marks, More: r.first+r.count <= r.last,
	}, nil
}

// renew begins the journal anew if it has this epoch, or if there is none.
func (s *Store) renew(ctx context.Context, epoch []byte) error {
	history, err := s.history(ctx)
	if err != nil {
		return err
	}
	fresh, one := newEpoch(), 0
	if s.dialect == SQLite {
		err = s.durably(ctx, func(conn *stdsql.Conn) error {
			_, err := conn.ExecContext(ctx, s.statements[startJournal].text, fresh, history, epoch)
			return err
		})
	} else {
		err = s.row(ctx, startJournal, []any{&one}, fresh, history, epoch)
	}
	if errors.Is(err, store.ErrNotFound) { // it has another one
		return nil
	}
	return err
}

// history tells the server of PostgreSQL from one that may lack marks: a replica that was
// promoted, or a backup that was brought back, is on another timeline. Who isn't told
// leaves it to others, as "".
func (s *Store) history(ctx context.Context) (history string, err error) {
	if !s.has(historyOfServer) {
		return "", nil
	}
	err = s.row(ctx, historyOfServer, []any{&history})
	var said interface{ SQLState() string }
	if err != nil && ctx.Err() == nil && errors.As(err, &said) {
		return "", nil
	}
	return history, err
}

// dropMarks takes away, in the background, what is no part of the journal any more. One
// process does so after each thousand marks.
func (s *Store) dropMarks() {
	if s.dropping.Swap(true) {
		return
	}
	started := s.calls.background(func(ctx context.Context) {
		defer s.dropping.Store(false)
		err := recovered(func() error {
			return s.trimmer.batches(ctx, marksPerDrop, dropMarks, func() int64 { return 0 })
		})
		if err != nil && ctx.Err() == nil {
			s.trimmer.log.Warn("sql: old marks could not be dropped, the journal may grow", "table", s.trimmer.table, "error", err)
		}
	})
	if !started {
		s.dropping.Store(false)
	}
}
