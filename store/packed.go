// SPDX-License-Identifier: MIT

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Packing says how the body of a packed entry was made smaller. The numbers are part
// of the format: they are never given a new meaning.
type Packing byte

// The packings that are known. Package codec has them; this one reads only Unpacked.
const (
	Unpacked Packing = iota // as is
	Zstd                    // RFC 8878
	Brotli                  // RFC 7932
	Gzip                    // RFC 1952
)

// Packed returns the encoded form of e with packed, of which Unpack makes the body
// again, in place of the body. Its head stays readable to everybody: it differs in the
// packing and in the length of the body, which counts 4 bytes for the length of the
// unpacked one, in front of packed. With Unpacked it is Bytes.
func (e *Entry) Packed(p Packing, packed []byte) []byte {
	if p == Unpacked {
		return e.Bytes()
	}
	raw := make([]byte, 0, int(e.bodyFrom)+2*sumLen+len(packed))
	raw = append(raw, e.raw[:e.bodyFrom]...)
	raw = binary.LittleEndian.AppendUint32(raw, e.bodyLen)
	raw = append(raw, packed...)
	return seal(raw, int(e.bodyFrom), p)
}

// seal writes packing, length and checksums around a body that stands behind the head.
func seal(raw []byte, headLen int, p Packing) []byte {
	body := raw[headLen:]
	raw[offCodec] = byte(p)
	binary.LittleEndian.PutUint32(raw[offBodyLen:], uint32(len(body)))
	binary.LittleEndian.PutUint32(raw[headLen-sumLen:], crc32.Checksum(raw[:headLen-sumLen], castagnoli))
	return binary.LittleEndian.AppendUint32(raw, crc32.Checksum(body, castagnoli))
}

// Unpack is Decode for entries whose body is packed. It calls unpack with what Packed
// was given, and with an empty slice that has room for the body and that the body must
// be appended to. A body above limit bytes is not unpacked: the length is what the
// value says, and anybody who can write to the backend can say anything. An error
// of unpack that doesn't wrap ErrFormat means damage.
func Unpack(value []byte, limit int, unpack func(p Packing, dst, packed []byte) ([]byte, error)) (*Entry, error) {
	headLen, err := checkSums(value)
	if err != nil {
		return nil, err
	}
	if p := Packing(value[offCodec]); p != Unpacked {
		if value, err = unpackBody(value, headLen, limit, func(dst, packed []byte) ([]byte, error) { return unpack(p, dst, packed) }); err != nil {
			return nil, err
		}
	}
	return decodeChecked(value, headLen)
}

// unpackBody returns the value as it was before it was packed.
func unpackBody(value []byte, headLen uint32, limit int, unpack func(dst, packed []byte) ([]byte, error)) ([]byte, error) {
	body := value[headLen : headLen+binary.LittleEndian.Uint32(value[offBodyLen:])]
	if len(body) < 4 {
		return nil, fmt.Errorf("%w: packed body", ErrDamaged)
	}
	n := binary.LittleEndian.Uint32(body)
	if int64(n) > min(int64(limit), maxBodyLen) {
		return nil, fmt.Errorf("%w: unpacks to %d bytes, the limit is %d", ErrFormat, n, limit)
	}
	raw := make([]byte, headLen, uint64(headLen)+uint64(n)+sumLen)
	copy(raw, value[:headLen])
	end := headLen + n
	unpacked, err := unpack(raw[headLen:headLen:end], body[4:])
	switch {
	case errors.Is(err, ErrFormat):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case len(unpacked) != int(n):
		return nil, fmt.Errorf("%w: the body is not as long as it says", ErrDamaged)
	}
	if n > 0 && &unpacked[0] != &raw[:headLen+1][headLen] { // it took other memory
		copy(raw[headLen:end], unpacked)
	}
	return seal(raw[:end], int(headLen), Unpacked), nil
}
