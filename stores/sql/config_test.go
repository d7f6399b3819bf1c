// SPDX-License-Identifier: MIT

package sql_test

import (
	"database/sql/driver"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	stdsql "database/sql"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

func TestConfigIsChecked(t *testing.T) {
	postgres, sqlite := sql.PostgreSQL, sql.SQLite
	for _, c := range []struct {
		field string // "" means that it is right
		cfg   sql.Config
	}{
		{"", sql.Config{Dialect: postgres}},
		{"", sql.Config{Dialect: postgres, Table: "cache.pages", Unlogged: true, MaxBytes: -1, MaxValue: 512 << 20}},
		{"", sql.Config{Dialect: sqlite, Table: "_x9", MaxBytes: 1 << 20, MaxValue: 1 << 20, Timeout: time.Hour}},
		{"Dialect", sql.Config{Dialect: 3}},
		{"Dialect", sql.Config{Dialect: -1}},
		{"Unlogged", sql.Config{Dialect: sqlite, Unlogged: true}},
		{"Table", sql.Config{Dialect: sqlite, Table: "main.x"}},
		{"MaxBytes", sql.Config{Dialect: sqlite, MaxBytes: 1<<20 - 1}},
		{"MaxValue", sql.Config{Dialect: sqlite, MaxValue: -1}},
		{"MaxValue", sql.Config{Dialect: sqlite, MaxValue: 512<<20 + 1}},
		{"MaxValue", sql.Config{Dialect: sqlite, MaxValue: math.MaxInt}},
		{"MaxValue", sql.Config{Dialect: sqlite, MaxValue: 2 << 20, MaxBytes: 1 << 20}},
		{"Timeout", sql.Config{Dialect: sqlite, Timeout: -1}},
		{"JournalLife", sql.Config{Dialect: sqlite, JournalLife: -1}},
	} {
		s, err := sql.New(openPool(t, "sqlite", "file:unused"), c.cfg)
		if c.field == "" {
			require.NoError(t, err)
			require.NoError(t, s.Close())
			continue
		}
		require.ErrorContains(t, err, c.field)
	}
	_, err := sql.New(nil, sql.Config{})
	require.ErrorContains(t, err, "database")
	_, err = sql.New(openPool(t, "sqlite", "file:unused"), sql.Config{Table: "X", MaxValue: -1, Timeout: -1})
	for _, field := range []string{"Table", "MaxValue", "Timeout"} {
		require.ErrorContains(t, err, field, "all that is wrong is said at once")
	}
}

// No name of a table is anything but a name.
func TestTableNames(t *testing.T) {
	for _, table := range []string{
		`x; DROP TABLE users`, `x"; DROP TABLE users; --`, `x--`, `x'`, `x y`, "x\n", "x\x00", `"x"`, `x.y.z`, `.x`, `x.`, `.`,
		`X`, `1x`, `é`, `x-y`, `$1`, `x$`, `(SELECT 1)`, strings.Repeat("x", 49), "x." + strings.Repeat("x", 49),
	} {
		_, err := sql.New(openPool(t, "sqlite", "file:unused"), sql.Config{Dialect: sql.PostgreSQL, Table: table})
		require.ErrorContains(t, err, "Table", "%q", table)
	}
}

// Words of the language are names like any other, and so are the longest ones.
func TestOddTableNamesWork(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		for _, table := range []string{"order", "select", "user", "_", strings.Repeat("x", 48)} {
			s, _ := d.open(t, func(c *sql.Config) { c.Table = table })
			set(t, s, 0, 3, 100, time.Hour)
			require.NoError(t, s.Round(t.Context()))
			for e, err := range s.Scan(t.Context()) {
				require.NoError(t, err)
				require.Equal(t, 100, e.BodyLen())
			}
		}
	})
}

func TestDialectFollowsFromTheDriver(t *testing.T) {
	for _, db := range []*stdsql.DB{openPool(t, "sqlite", "file:unused"), openPool(t, "pgx", "postgres://nowhere.invalid/x")} {
		newStore(t, db, sql.Config{})
	}
	wrapped := stdsql.OpenDB(connector{})
	defer wrapped.Close()
	_, err := sql.New(wrapped, sql.Config{})
	require.ErrorContains(t, err, "Dialect")
	newStore(t, wrapped, sql.Config{Dialect: sql.SQLite})
}

// connector belongs to no driver that anybody knows.
type connector struct{ driver.Connector }

func (connector) Driver() driver.Driver { return struct{ driver.Driver }{} }

func TestSQLiteDSN(t *testing.T) {
	for _, name := range []string{"cache.db", "with space.db", "what?.db", "50%.db", "#1.db", "a&b=c.db", "%3f.db", "é.db"} {
		file := filepath.Join(t.TempDir(), name)
		db, readers := sqlitePools(t, file)
		s := newStore(t, db, sql.Config{Readers: readers})
		_, err := s.Get(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound, "readers may be first")
		set(t, s, 0, 1, 100, time.Hour)
		require.FileExists(t, file)
		var mode string
		require.NoError(t, readers.QueryRow("PRAGMA journal_mode").Scan(&mode))
		require.Equal(t, "wal", mode)
		require.EqualValues(t, 2, number(t, readers, "PRAGMA auto_vacuum"), "incremental")
		require.EqualValues(t, 1, number(t, db, "PRAGMA synchronous"), "normal")
		_, err = readers.Exec("DELETE FROM holdover_entries")
		require.ErrorContains(t, err, "readonly")
	}
}
