// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/holdover-go/holdover/stores/memory"
)

// checkStore looks at one -store, the nth on the command line.
func checkStore(text string, n int) error {
	scheme, rest, found := strings.Cut(text, ":")
	switch {
	case !found:
		return errors.New("want a URL: memory: is the one of this build")
	case scheme != "memory":
		return fmt.Errorf("this build knows only memory:, not %s", scheme)
	case rest != "":
		return errors.New("memory: takes nothing behind the colon, see -max-bytes")
	case n > 1:
		return errors.New("this build knows only memory:, and nothing can stand in for memory")
	}
	return nil
}

func openStore(s settings) (*memory.Store, error) {
	return memory.New(memory.Config{MaxBytes: s.maxBytes})
}
