// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// unplugged is a store that can't be reached.
type unplugged struct{ store.Store }

func (unplugged) Get(context.Context, string) (*store.Entry, error) {
	return nil, errors.New("connection refused")
}

func ExampleNewFailover() {
	second, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	first := unplugged{second}
	s, err := store.NewFailover(store.FailoverConfig{
		OnChange: func(c store.MemberChange) {
			fmt.Printf("store %d: %v, then %v: %v\n", c.Member, c.From, c.To, c.Err)
		},
	}, first, second)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	for range 3 {
		_, err := s.Get(context.Background(), "key")
		fmt.Println(err)
	}
	fmt.Println(s.States())
	// Output:
	// not found
	// not found
	// store 0: closed, then open: connection refused
	// not found
	// [open closed]
}
