// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"fmt"
	"net/http"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/stores/memory"
)

// A client notices nothing of a store that fails.
func ExampleNewStore() {
	under, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	s := holdovertest.NewStore(under, 1)
	defer s.Close()
	cache, err := holdover.New(holdover.Config{Store: s})
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "hello")
	})
	client := &http.Client{Transport: holdovertest.InProcess(cache.Handler(page))}
	s.Behave(holdovertest.StoreFaults{Errors: 0.5, Unsure: 0.5})
	printPage(client)
	printPage(client)
	fmt.Println(s.Faults("") > 0)
	// Output:
	// 200 hello
	// 200 hello
	// true
}
