// SPDX-License-Identifier: MIT

// Command memcached keeps responses in memcached, so that several processes share them:
//
//	go run ./examples/memcached -servers 127.0.0.1:11211
package main

import (
	"flag"
	"log"
	"strings"

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memcached"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	servers := flag.String("servers", "127.0.0.1:11211", "memcached at `ADDR,ADDR`")
	flag.Parse()
	st, err := open(strings.Split(*servers, ",")...)
	if err != nil {
		log.Fatal(err)
	}
	if err := demo.Serve(*listen, st); err != nil {
		log.Fatal(err)
	}
}

// open makes the store. The servers need not answer yet.
func open(servers ...string) (store.Store, error) {
	return memcached.Open(memcached.Config{Prefix: "demo:"}, servers...)
}
