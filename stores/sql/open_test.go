// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(writerFile); file != "" {
		os.Exit(writeFile(file))
	}
	code := m.Run()
	for _, end := range ends {
		end()
	}
	os.Exit(code)
}

// ends are run when all tests are done.
var ends []func()

// lasting is a test whose cleanup waits for the others.
type lasting struct{ testing.TB }

func (lasting) Cleanup(f func()) { ends = append(ends, f) }

var (
	postgresOnce   sync.Once
	postgresServer *testserver.Server
)

// postgres returns the server that all tests share.
func postgres(t testing.TB) *testserver.Server {
	t.Helper()
	postgresOnce.Do(func() { postgresServer = testserver.Postgres(lasting{t}) })
	if postgresServer == nil {
		t.Skip("NOT RUN: no PostgreSQL")
	}
	return postgresServer
}

// postgresPool opens a pool.
func postgresPool(t testing.TB, options string) *stdsql.DB {
	t.Helper()
	db := openPool(t, "pgx", "postgres://postgres@"+postgres(t).Addr()+"/postgres?sslmode=disable"+options)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	return db
}

func openPool(t testing.TB, driver, dsn string) *stdsql.DB {
	t.Helper()
	db, err := stdsql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// sqlitePools opens both pools of a file.
func sqlitePools(t testing.TB, file string) (db, readers *stdsql.DB) {
	t.Helper()
	writer, reader := sql.SQLiteDSN(file)
	db, readers = openPool(t, "sqlite", writer), openPool(t, "sqlite", reader)
	db.SetMaxOpenConns(1)
	readers.SetMaxOpenConns(8)
	readers.SetMaxIdleConns(8)
	return db, readers
}

// database is a fresh table that stores can be opened on.
type database struct {
	name string
	// config is for pools of their own.
	config func(t testing.TB) (*stdsql.DB, sql.Config)
}

var tables atomic.Int64

// eachDatabase runs a test on both kinds of databases.
func eachDatabase(t *testing.T, run func(t *testing.T, d database)) {
	t.Run("PostgreSQL", func(t *testing.T) {
		table := fmt.Sprint("t", tables.Add(1))
		run(t, database{"PostgreSQL", func(t testing.TB) (*stdsql.DB, sql.Config) {
			return postgresPool(t, ""), sql.Config{Table: table}
		}})
	})
	t.Run("SQLite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cache.db")
		run(t, database{"SQLite", func(t testing.TB) (*stdsql.DB, sql.Config) {
			db, readers := sqlitePools(t, file)
			return db, sql.Config{Readers: readers, Table: "entries"}
		}})
	})
}

// open opens a store on pools of its own, after change.
func (d database) open(t testing.TB, change func(*sql.Config)) (*sql.Store, *stdsql.DB) {
	t.Helper()
	db, cfg := d.config(t)
	if change != nil {
		change(&cfg)
	}
	return newStore(t, db, cfg), db
}

func newStore(t testing.TB, db *stdsql.DB, cfg sql.Config) *sql.Store {
	t.Helper()
	s, err := sql.New(db, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// within returns a context with a deadline.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// entry is a response that is kept for life.
func entry(t testing.TB, key string, body []byte, life time.Duration) *store.Entry {
	t.Helper()
	now := time.Now()
	e, err := store.New(store.Response{
		Key: key, Status: 200, Body: body,
		Fields:      []store.Field{{Name: "Content-Type", Values: []string{"image/png"}}},
		RequestTime: now.UnixNano(), StoreUntil: now.Add(life).UnixNano(),
	})
	require.NoError(t, err)
	return e
}

// set stores bodies of one length under keys with numbers.
func set(t testing.TB, s store.Store, from, to, length int, life time.Duration) {
	t.Helper()
	for i := from; i < to; i++ {
		e := entry(t, key(i), []byte(strings.Repeat("x", length)), life)
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
	}
}

func key(i int) string { return fmt.Sprint("GET https://example.com/", i) }

// number asks for one.
func number(t testing.TB, db *stdsql.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}
