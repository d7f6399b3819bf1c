// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"sync/atomic"
)

// statement is one that is asked again and again.
type statement struct {
	db     *stdsql.DB
	text   string
	schema *schema // what it needs

	// keep prepares it once. SQLite would parse the text each time. Drivers of
	// PostgreSQL remember what they prepared by themselves, as far as a pooler between
	// them and the server lets them.
	keep     bool
	prepared atomic.Pointer[stdsql.Stmt]
}

// exec returns how many rows the statement changed.
func (q *statement) exec(ctx context.Context, args ...any) (int64, error) {
	var result stdsql.Result
	kept, err := q.handle(ctx)
	switch {
	case err != nil:
	case kept != nil:
		result, err = kept.ExecContext(ctx, args...)
	default:
		result, err = q.db.ExecContext(ctx, q.text, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row reads the one row that the statement gives.
func (q *statement) row(ctx context.Context, to []any, args ...any) error {
	kept, err := q.handle(ctx)
	switch {
	case err != nil:
		return err
	case kept != nil:
		return kept.QueryRowContext(ctx, args...).Scan(to...)
	}
	return q.db.QueryRowContext(ctx, q.text, args...).Scan(to...)
}

// rows reads all rows that the statement gives, each into to, if that isn't nil.
func (q *statement) rows(ctx context.Context, to []any, each func(), args ...any) error {
	var rows *stdsql.Rows
	kept, err := q.handle(ctx)
	switch {
	case err != nil:
	case kept != nil:
		rows, err = kept.QueryContext(ctx, args...)
	default:
		rows, err = q.db.QueryContext(ctx, q.text, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if to == nil {
			continue
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		each()
	}
	return rows.Err()
}

// handle returns the prepared statement, or nil where it isn't kept.
func (q *statement) handle(ctx context.Context) (*stdsql.Stmt, error) {
	if !q.keep {
		return nil, nil
	}
	if kept := q.prepared.Load(); kept != nil {
		return kept, nil
	}
	kept, err := q.db.PrepareContext(ctx, q.text)
	if err != nil {
		return nil, err
	}
	if !q.prepared.CompareAndSwap(nil, kept) {
		_ = kept.Close() // another call was first
	}
	return q.prepared.Load(), nil
}

// close gives the prepared statement back to its database.
func (q *statement) close() {
	if kept := q.prepared.Swap(nil); kept != nil {
		_ = kept.Close() // nothing is lost with it
	}
}
