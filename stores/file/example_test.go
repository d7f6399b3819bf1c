// SPDX-License-Identifier: MIT

package file_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// What is stored outlives the store that wrote it.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "cache") // usually a folder below /var/cache
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	before, err := file.New(file.Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := store.New(store.Response{
		Key: "GET https://example.com/", Status: 200, Body: []byte("Hello"),
		StoreUntil: time.Now().Add(time.Hour).UnixNano(),
	})
	if err == nil {
		err = before.Set(ctx, e.Key(), e)
	}
	fmt.Println("set:", err)
	fmt.Println("close:", before.Close())

	after, err := file.New(file.Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer after.Close()
	found, err := after.Get(ctx, "GET https://example.com/")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d %s\n", found.Status(), found.Body())
	// Output:
	// set: <nil>
	// close: <nil>
	// 200 Hello
}
