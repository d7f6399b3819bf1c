// SPDX-License-Identifier: MIT

package memory_test

import (
	"fmt"

	"github.com/holdover-go/holdover/stores/memory"
)

func ExampleNew() {
	s, err := memory.New(memory.Config{MaxBytes: 64 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Stats().Entries, "entries")
	// Output: 0 entries
}
