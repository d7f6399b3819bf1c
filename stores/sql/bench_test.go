// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	stdsql "database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/storebench"
	"github.com/holdover-go/holdover/stores/sql"
)

func BenchmarkPostgreSQL(b *testing.B) {
	db := postgresPool(b, "")
	execute(b, db, "DROP TABLE IF EXISTS plain")
	execute(b, db, "CREATE TABLE plain (name text PRIMARY KEY, value bytea)")
	execute(b, db, "ALTER TABLE plain ALTER COLUMN value SET STORAGE EXTERNAL")
	storebench.Run(b, newStore(b, db, sql.Config{Table: "bench"}), storebench.Plain{
		Set: func(ctx context.Context, name string, value []byte) error {
			_, err := db.ExecContext(ctx, plainSet, name, value)
			return err
		},
		Get: func(ctx context.Context, name string) (value []byte, err error) {
			err = db.QueryRowContext(ctx, plainGet, name).Scan(&value)
			return value, err
		},
	})
}

func BenchmarkSQLite(b *testing.B) {
	db, readers := sqlitePools(b, filepath.Join(b.TempDir(), "cache.db"))
	execute(b, db, "CREATE TABLE plain (name text PRIMARY KEY, value blob)")
	set, err := db.Prepare(plainSet)
	require.NoError(b, err)
	get, err := readers.Prepare(plainGet)
	require.NoError(b, err)
	storebench.Run(b, newStore(b, db, sql.Config{Readers: readers}), storebench.Plain{
		Set: func(ctx context.Context, name string, value []byte) error {
			_, err := set.ExecContext(ctx, name, value)
			return err
		},
		Get: func(ctx context.Context, name string) (value []byte, err error) {
			err = get.QueryRowContext(ctx, name).Scan(&value)
			return value, err
		},
	})
}

// What somebody would write who has names and values.
const (
	plainSet = "INSERT INTO plain (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value"
	plainGet = "SELECT value FROM plain WHERE name = $1"
)

func execute(t testing.TB, db *stdsql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(within(t, 10*time.Second), statement, args...)
	require.NoError(t, err)
}
