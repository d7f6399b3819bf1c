// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// fault is a failure that may be gone when a statement is tried again.
type fault int

const (
	lasting  fault = iota // no such failure
	noTable               // the table isn't there: not yet, or no more
	deadConn              // the server has ended a connection that was idle
	conflict              // another transaction was in the way
)

// faultOf knows the errors by what they have in common: no driver is imported here.
func faultOf(d Dialect, err error) fault {
	switch {
	case err == nil, errors.Is(err, stdsql.ErrNoRows):
		return lasting
	case errors.Is(err, driver.ErrBadConn):
		return deadConn
	case d == SQLite:
		return sqliteFault(err.Error())
	}
	var coded interface{ SQLState() string } // as drivers of PostgreSQL have it
	if errors.As(err, &coded) {
		return postgresFault(coded.SQLState())
	}
	return networkFault(err)
}

// sqliteFault goes by SQLite's own words, which all drivers pass on.
func sqliteFault(text string) fault {
	switch {
	case strings.Contains(text, "no such table"):
		return noTable
	case strings.Contains(text, "is locked"): // database or table, also during recovery
		return conflict
	}
	return lasting
}

func postgresFault(state string) fault {
	switch state {
	case "42P01": // undefined_table
		return noTable
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return conflict
	case "57P01", "57P02", "57P05", "08003", "08006": // …_shutdown, idle_session_timeout, connection_…
		return deadConn
	}
	return lasting
}

// networkFault tells a connection that broke from a server that can't be reached.
func networkFault(err error) fault {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return lasting
	}
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, broken) {
			return deadConn
		}
	}
	return lasting
}

const (
	firstPause = time.Millisecond
	maxPause   = 8 * time.Millisecond
)

// try performs a statement until it succeeds, fails for good, or its context ends.
//
// Each connection that died idle shows when it is used, so there may be as many failures
// in a row as there are connections. A statement whose connection broke may have been
// executed: all of ours can be repeated.
func (s *Store) try(ctx context.Context, db *stdsql.DB, tables *schema, statement func() error) error {
	dead, missed, pause := -1, 0, firstPause
	for {
		made := tables.made()
		err := statement()
		if ctx.Err() != nil {
			return err
		}
		switch faultOf(s.dialect, err) {
		case noTable:
			if missed++; missed > 2 {
				return err
			}
			if err := tables.makeAfter(ctx, made); err != nil {
				return err
			}
		case deadConn:
			if dead < 0 {
				dead = db.Stats().OpenConnections + 1
			}
			if dead--; dead < 0 {
				return err
			}
		case conflict:
			if !sleep(ctx, pause) {
				return err
			}
			pause = min(2*pause, maxPause)
		default:
			return err
		}
	}
}

// sleep waits, and reports whether the context lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
