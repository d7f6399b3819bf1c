// SPDX-License-Identifier: MIT

// Command redis keeps responses in Redis, so that several processes share them:
//
//	go run ./examples/redis -redis redis://127.0.0.1:6379
package main

import (
	"flag"
	"log"

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	url := flag.String("redis", "redis://127.0.0.1:6379", "Redis at `URL`")
	flag.Parse()
	st, err := open(*url)
	if err != nil {
		log.Fatal(err)
	}
	if err := demo.Serve(*listen, st); err != nil {
		log.Fatal(err)
	}
}

// open makes the store. The server need not answer yet.
func open(url string) (store.Store, error) {
	return redis.OpenURL(url, redis.Config{Prefix: "demo:"})
}
