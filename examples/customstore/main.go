// SPDX-License-Identifier: MIT

// Command customstore keeps responses in a store of its own: anything that can get, set
// and delete bytes becomes one by store.FromBytes. store.go has all of it.
package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/holdover-go/holdover"
)

func main() {
	st, err := newStore(10_000)
	if err != nil {
		log.Fatal(err)
	}
	cache, err := holdover.New(holdover.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("listening on http://127.0.0.1:8080")
	err = http.ListenAndServe("127.0.0.1:8080", cache.Handler(http.HandlerFunc(clock)))
	log.Println(err, cache.Close())
}

// clock answers with the time, which is good for ten seconds.
func clock(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=10, stale-if-error=3600")
	fmt.Fprintln(w, time.Now().Format(time.TimeOnly))
}
