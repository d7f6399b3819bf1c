// SPDX-License-Identifier: MIT

// Command files keeps responses in plain files, so that they survive a restart:
//
//	go run ./examples/files -dir responses
package main

import (
	"flag"
	"log"

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	dir := flag.String("dir", "responses", "keep responses in `FOLDER`")
	flag.Parse()
	st, err := open(*dir)
	if err != nil {
		log.Fatal(err)
	}
	if err := demo.Serve(*listen, st); err != nil {
		log.Fatal(err)
	}
}

// open makes the store, and the folder if need be.
func open(dir string) (store.Store, error) {
	return file.New(file.Config{Dir: dir, MaxBytes: 1 << 30})
}
