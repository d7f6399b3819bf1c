// SPDX-License-Identifier: MIT

// Command sqlite keeps responses in a file of SQLite, so that they survive a restart:
//
//	go run ./examples/sqlite -file responses.db
package main

import (
	stdsql "database/sql"
	"errors"
	"flag"
	"log"

	_ "modernc.org/sqlite" // in Go alone; others do as well

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/stores/sql"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	file := flag.String("file", "responses.db", "keep responses in `FILE`")
	flag.Parse()
	st, err := open(*file)
	if err != nil {
		log.Fatal(err)
	}
	if err := demo.Serve(*listen, st); err != nil {
		log.Fatal(err)
	}
}

// fileStore closes its pools with the store.
type fileStore struct {
	*sql.Store
	writer, readers *stdsql.DB
}

func (s fileStore) Close() error {
	return errors.Join(s.Store.Close(), s.readers.Close(), s.writer.Close())
}

// open makes the store with two pools: SQLite has one writer at a time, beside which
// readers go on.
func open(file string) (*fileStore, error) {
	forWriter, forReaders := sql.SQLiteDSN(file)
	writer, err := stdsql.Open("sqlite", forWriter)
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	readers, err := stdsql.Open("sqlite", forReaders)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	st, err := sql.New(writer, sql.Config{Readers: readers})
	if err != nil {
		return nil, errors.Join(err, readers.Close(), writer.Close())
	}
	return &fileStore{st, writer, readers}, nil
}
