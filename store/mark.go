// SPDX-License-Identifier: MIT

package store

import (
	"encoding/binary"
	"fmt"
)

// MarkLen is the length in bytes of a mark as AppendMark writes it.
const MarkLen = 8 + 1 + 16 + 8

// AppendMark appends a mark as journals keep it: hash (little endian), 1 for a soft one and
// 0 for a hard one, epoch and number (little endian) of its source.
func AppendMark(b []byte, m Mark) []byte {
	b = binary.LittleEndian.AppendUint64(b, m.Hash)
	soft := byte(0)
	if m.Soft {
		soft = 1
	}
	b = append(append(b, soft), m.Source.Epoch[:]...)
	return binary.LittleEndian.AppendUint64(b, m.Source.Seq)
}

// DecodeMark reads what AppendMark wrote. Its error wraps ErrFormat.
func DecodeMark(b []byte) (m Mark, err error) {
	if len(b) != MarkLen || b[8] > 1 {
		return m, fmt.Errorf("%w: a mark of %d bytes", ErrFormat, len(b))
	}
	m.Hash, m.Soft = binary.LittleEndian.Uint64(b), b[8] == 1
	copy(m.Source.Epoch[:], b[9:])
	m.Source.Seq = binary.LittleEndian.Uint64(b[25:])
	return m, nil
}
