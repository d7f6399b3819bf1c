// SPDX-License-Identifier: MIT

package sql_test

import (
	stdsql "database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdover-go/holdover/stores/sql"
)

// The driver is pgx: import _ "github.com/jackc/pgx/v5/stdlib".
func ExampleNew_postgreSQL() {
	db, err := stdsql.Open("pgx", "postgres://cache@db.example/cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)

	s, err := sql.New(db, sql.Config{Unlogged: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	// holdover.New(holdover.Config{Store: s})
}

// The driver is modernc.org/sqlite.
func ExampleNew_sqlite() {
	writer, readers := sql.SQLiteDSN(filepath.Join(os.TempDir(), "cache.db"))
	db, err := stdsql.Open("sqlite", writer)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	reads, err := stdsql.Open("sqlite", readers)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reads.Close()
	reads.SetMaxIdleConns(8)

	s, err := sql.New(db, sql.Config{Readers: reads, MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	// holdover.New(holdover.Config{Store: s})
}
