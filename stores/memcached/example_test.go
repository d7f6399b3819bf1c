// SPDX-License-Identifier: MIT

package memcached_test

import (
	"log"

	"github.com/holdover-go/holdover/stores/memcached"
)

// The store is what holdover.Config wants as its Store.
func ExampleOpen() {
	st, err := memcached.Open(memcached.Config{}, "127.0.0.1:11211", "127.0.0.1:11212")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}
