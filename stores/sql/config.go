// SPDX-License-Identifier: MIT

package sql

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// Dialect is the language of a database.
type Dialect int

// The dialects. The zero value means the one that belongs to the driver's package.
const (
	PostgreSQL Dialect = iota + 1
	SQLite
)

const (
	defaultTable    = "holdover_entries"
	defaultMaxBytes = 4 << 30
	defaultMaxValue = 64 << 20
	defaultTimeout  = 5 * time.Second

	// defaultJournalLife is a day more than holdover.Config.MaxLife is by default.
	defaultJournalLife = 8 * 24 * time.Hour

	minMaxBytes = 1 << 20

	// maxMaxValue is what both databases take in one column, and some are known to
	// fail well below their documented limit of 1 GB.
	maxMaxValue = 512 << 20
)

// Config configures a Store. The zero value is usable.
type Config struct {
	// Dialect is the language of the database. 0 means that it follows from the
	// driver: pgx and pq speak PostgreSQL, a driver with "sqlite" in the path of its
	// package SQLite. Where the driver is wrapped by another one, it must be named.
	Dialect Dialect

	// Table is the table that holds the entries: lower-case letters, digits and "_",
	// at most 48, not beginning with a digit. With PostgreSQL a schema and a dot may
	// stand before it. "" means "holdover_entries". Stores with the same table share
	// their entries.
	Table string

	// Codec is how entries are written. nil means codec.Default(), which compresses. A
	// file of SQLite that fits into memory is quicker with store.Plain.
	Codec store.Codec

	// MaxBytes bounds the sum of all stored values in bytes. The database needs more
	// than that on disk, see the package's documentation. The entries written longest
	// ago are dropped first, in the background: the sum may exceed the bound by a
	// tenth for a while, and when they are dropped, a tenth more may go than must.
	//
	// 0 means 4 GiB, negative that there is no bound; less than 1 MiB is refused.
	MaxBytes int64

	// MaxValue is the length in bytes of the longest value. An entry above it is
	// refused with store.ErrTooLarge, without asking the database. 0 means 64 MiB,
	// or a quarter of MaxBytes where that is less; at most 512 MiB.
	MaxValue int

	// Unlogged creates the table of PostgreSQL as UNLOGGED: sets are quicker, by up to
	// two thirds, and it is empty after a crash of the server, and can't be read on
	// its replicas: Readers must be nil. It changes nothing about a table that is there.
	Unlogged bool

	// Readers is a second pool for reads. With SQLite it lets reads go on beside the
	// one connection that writes, see [SQLiteDSN]. With PostgreSQL it may lead to a
	// replica; a Get may then miss what was just set. nil means the first pool.
	Readers *stdsql.DB

	// Timeout bounds calls whose context has no deadline. 0 means 5 s. Each step of
	// the work in the background gets as long, and so does Close to wait for calls
	// under way, but 5 s at least.
	Timeout time.Duration

	// JournalLife is for how long a purge is kept in the journal at least, see the
	// package's documentation. It must be as long as the life of stored responses,
	// holdover.Config.MaxLife, or longer: responses that know less than the oldest purge
	// are revalidated. Among stores on one journal the shortest counts. 0 means 8 days, a
	// day more than MaxLife is by default.
	JournalLife time.Duration

	// Logger gets what an operator must act on: that entries can't be dropped, so
	// that the table grows. nil means nobody.
	Logger *slog.Logger
}

// complete fills in what db and the defaults say.
func (c Config) complete(db *stdsql.DB) Config {
	if c.Dialect == 0 && db != nil {
		c.Dialect = dialectOf(db)
	}
	if c.Table == "" {
		c.Table = defaultTable
	}
	if c.Codec == nil {
		c.Codec = codec.Default()
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxValue == 0 {
		c.MaxValue = defaultMaxValue
		if c.MaxBytes > 0 {
			c.MaxValue = int(min(defaultMaxValue, c.MaxBytes/4))
		}
	}
	if c.Readers == nil {
		c.Readers = db
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.JournalLife == 0 {
		c.JournalLife = defaultJournalLife
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate returns all that is wrong with a complete Config, each with its field.
func (c Config) validate(db *stdsql.DB) error {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("sql: "+format, args...))
	}
	switch c.Dialect {
	case PostgreSQL:
		if c.Unlogged && c.Readers != db {
			refuse("Unlogged and Readers exclude each other: a replica can't read an unlogged table")
		}
	case SQLite:
		if c.Unlogged {
			refuse("Unlogged is for PostgreSQL only")
		}
		if strings.Contains(c.Table, ".") {
			refuse("Table must not have a schema with SQLite")
		}
	case 0:
		refuse("Dialect must be named, it doesn't follow from the driver")
	default:
		refuse("Dialect is %d, must be PostgreSQL or SQLite", c.Dialect)
	}
	if !tableName.MatchString(c.Table) {
		refuse("Table must be made of lower-case letters, digits and _, at most 48 of them")
	}
	if c.MaxBytes > 0 && c.MaxBytes < minMaxBytes {
		refuse("MaxBytes is %d, must be 0, negative or at least %d", c.MaxBytes, minMaxBytes)
	}
	if c.MaxValue < 0 || c.MaxValue > maxMaxValue || c.MaxBytes > 0 && int64(c.MaxValue) > c.MaxBytes {
		refuse("MaxValue is %d, must be from 0 to %d and not above MaxBytes", c.MaxValue, maxMaxValue)
	}
	if c.Timeout < 0 {
		refuse("Timeout is %v, must not be negative", c.Timeout)
	}
	if c.JournalLife < 0 {
		refuse("JournalLife is %v, must not be negative", c.JournalLife)
	}
	return errors.Join(wrong...)
}

// tableName leaves no room for anything that a database could read as a command, nor for
// names that two databases fold in different ways.
var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,47}\.)?[a-z_][a-z0-9_]{0,47}$`)

// dialectOf tells the dialect by the driver, without asking the database, which may be away.
func dialectOf(db *stdsql.DB) Dialect {
	switch path := driverOf(db); {
	case strings.Contains(path, "sqlite"):
		return SQLite
	case strings.Contains(path, pgx), strings.HasSuffix(path, "lib/pq"):
		return PostgreSQL
	}
	return 0
}

// obeys reports whether the driver is known to return as soon as a context ends, whatever
// it is doing. To call it on another goroutine costs a third of the time of a hit at 1 KiB.
func obeys(db *stdsql.DB) bool { return strings.Contains(driverOf(db), pgx) }

const pgx = "jackc/pgx/"

// driverOf returns the path of the driver's package.
func driverOf(db *stdsql.DB) string {
	t := reflect.TypeOf(db.Driver())
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}
