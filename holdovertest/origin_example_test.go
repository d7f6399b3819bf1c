// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// printPage asks for a page and prints what came.
func printPage(client *http.Client) {
	resp, err := client.Get("http://www.example/page")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, string(body))
}

// The page may be used for ten minutes if the origin fails. It does, in three ways.
func ExampleOrigin() {
	origin := holdovertest.NewOrigin(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0, stale-if-error=600")
		fmt.Fprint(w, "hello")
	}))
	cache, err := holdover.New(holdover.Config{})
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	client := &http.Client{Transport: holdovertest.InProcess(cache.Handler(origin))}
	printPage(client)
	for _, fault := range []holdovertest.Fault{
		holdovertest.Status(http.StatusServiceUnavailable),
		holdovertest.Truncate(0.5),
		holdovertest.Chain(holdovertest.Delay(time.Millisecond), holdovertest.Panic("out of order")),
	} {
		origin.Behave(fault)
		printPage(client)
	}
	fmt.Println(origin.Requests()[0].URL())
	// Output:
	// 200 hello
	// 200 hello
	// 200 hello
	// 200 hello
	// www.example/page
}

// A share of the requests fails: in each run the same ones.
func ExampleSometimes() {
	origin := holdovertest.NewOrigin(holdovertest.Pages(""))
	origin.Behave(holdovertest.Sometimes(1, 0.5, holdovertest.Reset()))
	client := holdovertest.InProcess(origin)
	for range 5 {
		request, err := http.NewRequest(http.MethodGet, "http://www.example/", nil)
		if err != nil {
			panic(err)
		}
		resp, err := client.RoundTrip(request)
		if err != nil {
			fmt.Println("reset")
			continue
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// reset
	// reset
	// reset
	// 200
	// reset
}
