// SPDX-License-Identifier: MIT

package sql

import (
	"crypto/rand"
	"errors"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// encodeMarks returns the marks one behind the other.
func encodeMarks(marks []store.Mark) []byte {
	b := make([]byte, 0, store.MarkLen*len(marks))
	for _, m := range marks {
		b = store.AppendMark(b, m)
	}
	return b
}

func newEpoch() []byte {
	epoch := make([]byte, 16)
	rand.Read(epoch) // never fails
	return epoch
}

// isTaken tells that a row stands already under a number.
func isTaken(err error) bool {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState() == "23505" // unique_violation
	}
	return err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}
