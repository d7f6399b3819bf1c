// SPDX-License-Identifier: MIT

package file

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/holdover-go/holdover/store"
)

// A file is a head and the value behind it, all numbers little-endian:
//
//	offset  size
//	     0     4  magic "HLDF"
//	     4     1  format version
//	     5     3  reserved, 0
//	     8     8  store until: Unix time in nanoseconds
//	    16     8  length of the value
//	    24     4  CRC-32C of the value
//	    28     4  CRC-32C of all before
//
// The head lets the sweeper read 32 bytes instead of the value, and its checksum covers
// values of codecs that have none: after a power failure a file may have the right length
// and blocks that were never written.
const (
	magic         = "HLDF"
	formatVersion = 1
	headLen       = 32
	maxInt        = math.MaxInt - headLen
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errLength  = fmt.Errorf("%w: length of the file", store.ErrDamaged)
)

type head struct {
	until  int64
	length uint64
	sum    uint32
}

func headOf(value []byte, until int64) head {
	return head{until, uint64(len(value)), crc32.Checksum(value, castagnoli)}
}

func (h head) encode() []byte {
	b := make([]byte, 0, headLen)
	b = append(b, magic...)
	b = append(b, formatVersion, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.until))
	b = binary.LittleEndian.AppendUint64(b, h.length)
	b = binary.LittleEndian.AppendUint32(b, h.sum)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeHead reads the head of a file that begins with b.
func decodeHead(b []byte) (head, error) {
	switch {
	case len(b) < len(magic) || string(b[:len(magic)]) != magic:
		return head{}, fmt.Errorf("%w: no file of this store", store.ErrFormat)
	case len(b) < headLen:
		return head{}, errLength
	case b[4] != formatVersion:
		return head{}, fmt.Errorf("%w: file format %d", store.ErrFormat, b[4])
	case crc32.Checksum(b[:headLen-4], castagnoli) != binary.LittleEndian.Uint32(b[headLen-4:]):
		return head{}, fmt.Errorf("%w: checksum of the file's head", store.ErrDamaged)
	}
	return head{
		until:  int64(binary.LittleEndian.Uint64(b[8:])),
		length: binary.LittleEndian.Uint64(b[16:]),
		sum:    binary.LittleEndian.Uint32(b[24:]),
	}, nil
}

// checkSum reports whether value is what the head was written for.
func (h head) checkSum(value []byte) error {
	if crc32.Checksum(value, castagnoli) != h.sum {
		return fmt.Errorf("%w: checksum of the file", store.ErrDamaged)
	}
	return nil
}
