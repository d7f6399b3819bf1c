// SPDX-License-Identifier: MIT

// Command customstore keeps responses in a store of its own: anything that can get, set
// and delete bytes becomes one by store.FromBytes. store.go has all of it.
//
//	go run ./examples/customstore
package main

import (
	"flag"
	"log"

	"github.com/holdover-go/holdover/examples/internal/demo"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	size := flag.Int("size", 10_000, "keep `N` responses")
	flag.Parse()
	st, err := newStore(*size)
	if err != nil {
		log.Fatal(err)
	}
	if err := demo.Serve(*listen, st); err != nil {
		log.Fatal(err)
	}
}
