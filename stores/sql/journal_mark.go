// SPDX-License-Identifier: MIT

package sql

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// markLen is the length of a mark: hash, softness, epoch and number of its source.
const markLen = 8 + 1 + 16 + 8

// encodeMarks returns the marks one behind the other.
func encodeMarks(marks []store.Mark) []byte {
	b := make([]byte, 0, markLen*len(marks))
	for _, m := range marks {
		b = binary.LittleEndian.AppendUint64(b, m.Hash)
		if m.Soft {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
		b = append(b, m.Source.Epoch[:]...)
		b = binary.LittleEndian.AppendUint64(b, m.Source.Seq)
	}
	return b
}

func decodeMarks(b []byte) []store.Mark {
	marks := make([]store.Mark, 0, len(b)/markLen)
	for ; len(b) > 0; b = b[markLen:] {
		marks = append(marks, store.Mark{
			Hash: binary.LittleEndian.Uint64(b), Soft: b[8] == 1,
			Source: store.Position{Epoch: [16]byte(b[9:]), Seq: binary.LittleEndian.Uint64(b[25:])},
		})
	}
	return marks
}

// isMark tells what encodeMarks may have written.
func isMark(b []byte) bool { return len(b) == markLen && b[8] <= 1 }

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
