// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// syncFull is the level of PRAGMA synchronous from which on a transaction is on the disk
// when its COMMIT returns.
const syncFull = 2

// durably performs f in a transaction that outlives a loss of power, whatever the
// connection is set to.
func (s *Store) durably(ctx context.Context, f func(*stdsql.Conn) error) error {
	return s.try(ctx, s.db, &s.journalSchema, func() error {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		var level int
		if err := conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level); err != nil {
			return err
		}
		if level < syncFull {
			defer afterwards(ctx, conn, fmt.Sprint(`PRAGMA synchronous = `, level))
			if _, err := conn.ExecContext(ctx, fmt.Sprint(`PRAGMA synchronous = `, syncFull)); err != nil {
				return err
			}
		}
		return transaction(ctx, conn, f)
	})
}

// transaction takes the lock of the file first: one that comes by it later fails where
// another process has written meanwhile.
func transaction(ctx context.Context, conn *stdsql.Conn, f func(*stdsql.Conn) error) error {
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		// The driver may have begun it, and failed since the context ended then.
		afterwards(ctx, conn, `ROLLBACK`)
		return err
	}
	err := f(conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		afterwards(ctx, conn, `ROLLBACK`)
	}
	return err
}

// afterwards brings a connection back to what it was, or drops it from its pool. None of
// this waits for a lock.
func afterwards(ctx context.Context, conn *stdsql.Conn, statement string) {
	_, err := conn.ExecContext(context.WithoutCancel(ctx), statement)
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // it says only that
	}
}

// addInSQLite is Append within a transaction.
func (s *Store) addInSQLite(ctx context.Context, conn *stdsql.Conn, end []any, marks []byte, n int64) error {
	if _, err := conn.ExecContext(ctx, s.statements[takeNumbers].text, n, s.maxMarks); err != nil {
		return err
	}
	err := conn.QueryRowContext(ctx, s.statements[lastNumber].text).Scan(end...)
	if errors.Is(err, stdsql.ErrNoRows) {
		return store.ErrNotFound
	}
	if err != nil || n == 0 {
		return err
	}
	_, err = conn.ExecContext(ctx, s.statements[addMarks].text, n, marks)
	return err
}
