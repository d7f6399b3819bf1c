// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"sync"

	"github.com/holdover-go/holdover/store"
)

// schema makes the table when a statement found none: at first use, and again if somebody
// dropped it. So a database that has the table is never asked for the right to make it.
type schema struct {
	db      *stdsql.DB
	dialect Dialect
	create  []string
	calls   *calls

	mu    sync.Mutex
	times uint64 // how often it was made
	now   *making
}

// making is one attempt, which all wait for who miss the table at that time.
type making struct {
	done chan struct{}
	err  error // valid when done is closed
}

// made returns a number that changes when the table is made.
func (s *schema) made() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

// makeAfter makes the table, unless that was done since made returned before. The work
// goes on in the background when the context ends first.
func (s *schema) makeAfter(ctx context.Context, before uint64) error {
	s.mu.Lock()
	if s.times != before {
		s.mu.Unlock()
		return nil
	}
	m := s.now
	if m == nil {
		m = &making{done: make(chan struct{})}
		s.now = m
		// Not a call: those which wait for it may have all the slots.
		if !s.calls.background(func(ctx context.Context) { s.run(ctx, m) }) {
			s.finish(m, store.ErrClosed)
		}
	}
	s.mu.Unlock()
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *schema) run(ctx context.Context, m *making) {
	ctx, cancel := context.WithTimeout(ctx, s.calls.patience)
	defer cancel()
	err := recovered(func() error { return s.createAll(ctx) })
	if err != nil {
		err = fmt.Errorf("make the table: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(m, err)
}

// finish needs the lock.
func (s *schema) finish(m *making, err error) {
	if err == nil {
		s.times++
	}
	m.err, s.now = err, nil
	close(m.done)
}

// createAll makes the table in one transaction. Several processes may do so at once.
func (s *schema) createAll(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := transact(ctx, s.db, s.create)
		if faultOf(s.dialect, err) == lasting || !sleep(ctx, pause) {
			return err
		}
	}
}

func transact(ctx context.Context, db *stdsql.DB, statements []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			_ = tx.Rollback() // err says more
			return err
		}
	}
	return tx.Commit()
}
