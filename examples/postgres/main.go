// SPDX-License-Identifier: MIT

// Command postgres keeps responses in a table of PostgreSQL, so that several processes
// share them and they survive a restart:
//
//	go run ./examples/postgres -database postgres://user:password@127.0.0.1/site
package main

import (
	stdsql "database/sql"
	"errors"
	"flag"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib" // any driver for database/sql does

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	url := flag.String("database", "postgres://127.0.0.1/postgres", "PostgreSQL at `URL`")
	flag.Parse()
	db, err := stdsql.Open("pgx", *url)
	if err != nil {
		log.Fatal(err)
	}
	st, err := open(db)
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(demo.Serve(*listen, st), db.Close()); err != nil {
		log.Fatal(err)
	}
}

// open makes the store on a pool that the program may use for other things too. The server
// need not answer yet; the table is made on first use.
func open(db *stdsql.DB) (store.Store, error) {
	return sql.New(db, sql.Config{Table: "demo_responses", Unlogged: true})
}
