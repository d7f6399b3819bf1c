// SPDX-License-Identifier: MIT

package main

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

// sqlStore closes its databases with the store.
type sqlStore struct {
	*sql.Store
	dbs []*stdsql.DB
}

func (s sqlStore) Close() error {
	failed := []error{s.Store.Close()}
	for _, db := range s.dbs {
		failed = append(failed, db.Close())
	}
	return errors.Join(failed...)
}

// errPostgres takes the place of the driver's errors, which quote the URL.
var errPostgres = errors.New("want postgres://USER:PASSWORD@HOST:PORT/DATABASE, with what is special in them percent-encoded")

func openPostgres(_ settings, rest string) (store.Store, error) {
	cfg, err := pgx.ParseConfig("postgres:" + rest)
	if err != nil {
		return nil, errPostgres
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	return closeWith(sql.Config{}, db)
}

// maxConns are as many as a server with 100 connections gives one of several programs.
const maxConns = 16

func openSQLite(_ settings, rest string) (store.Store, error) {
	file := pathOf(rest)
	if _, err := os.Stat(filepath.Dir(file)); err != nil { // SQLite would say so at the first request only
		return nil, fmt.Errorf("the folder of the database: %w", err)
	}
	writer, readers := sql.SQLiteDSN(file)
	db, err := stdsql.Open("sqlite", writer)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	reading, err := stdsql.Open("sqlite", readers)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	reading.SetMaxIdleConns(maxConns)
	reading.SetMaxOpenConns(maxConns)
	return closeWith(sql.Config{Readers: reading}, db, reading)
}

// closeWith makes a store on the first database that closes all.
func closeWith(cfg sql.Config, dbs ...*stdsql.DB) (store.Store, error) {
	st, err := sql.New(dbs[0], cfg)
	if err != nil {
		for _, db := range dbs {
			err = errors.Join(err, db.Close())
		}
		return nil, err
	}
	return sqlStore{st, dbs}, nil
}
