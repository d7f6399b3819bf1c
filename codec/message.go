// SPDX-License-Identifier: MIT

package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/holdover-go/holdover/store"
)

// A message is one map. Its header is always of the sort that counts in 16 bits, so
// that all begin alike:
//
//	DE xx xx  A8 "holdover" 01  …pairs of the layout…  A6 "crc32c" CE xx xx xx xx
//
// See doc.go for what stands between.
const (
	map16, nothing, uint32Follows = 0xde, 0xc0, 0xce

	firstKey      = "\xa8holdover"
	lastKey       = "\xa6crc32c"
	messageFormat = 1

	headerLen = 3
	firstLen  = headerLen + len(firstKey) + 1 // up to and including the format
)

// isMessage tells the two formats apart: store's begins with another byte.
func isMessage(value []byte) bool {
	return len(value) >= firstLen && value[0] == map16 && string(value[headerLen:firstLen-1]) == firstKey
}

func encodeMessage(e *store.Entry) []byte {
	r := e.Response()
	b := make([]byte, 0, e.Size()+512+8*(len(r.Tags)+len(r.Fields)))
	b = binary.BigEndian.AppendUint16(append(b, map16), uint16(len(layout)+2))
	b = append(append(b, firstKey...), messageFormat)
	for _, p := range layout {
		b = p.put(msgp.AppendString(b, p.key), &r)
	}
	sum := crc32.Checksum(b, castagnoli)
	return binary.BigEndian.AppendUint32(append(append(b, lastKey...), uint32Follows), sum)
}

// decodeMessage reads what isMessage took for one.
func decodeMessage(value []byte) (*store.Entry, error) {
	if f := value[firstLen-1]; f != messageFormat {
		return nil, fmt.Errorf("%w: format %d of MessagePack", store.ErrFormat, f)
	}
	pairs, err := withoutChecksum(value)
	if err != nil {
		return nil, err
	}
	r, err := readPairs(pairs[firstLen:], int(binary.BigEndian.Uint16(value[1:]))-2)
	if err != nil {
		return nil, fmt.Errorf("%w: MessagePack: %w", store.ErrDamaged, err)
	}
	e, err := store.New(r)
	if err != nil { // what no entry can hold, so no codec of ours wrote it
		return nil, fmt.Errorf("%w: MessagePack: %v", store.ErrDamaged, err)
	}
	return e, nil
}

// withoutChecksum returns the value up to its last pair, whose checksum is right or,
// where somebody wrote nil instead, not there.
func withoutChecksum(value []byte) ([]byte, error) {
	const nilLen, sumLen = len(lastKey) + 1, len(lastKey) + 1 + crc32.Size
	if n := len(value) - nilLen; n >= firstLen && string(value[n:len(value)-1]) == lastKey && value[len(value)-1] == nothing {
		return value[:n], nil
	}
	n := len(value) - sumLen
	if n < firstLen || string(value[n:n+len(lastKey)]) != lastKey || value[n+len(lastKey)] != uint32Follows {
		return nil, fmt.Errorf("%w: MessagePack: no checksum at the end", store.ErrDamaged)
	}
	if crc32.Checksum(value[:n], castagnoli) != binary.BigEndian.Uint32(value[n+nilLen:]) {
		return nil, fmt.Errorf("%w: MessagePack: checksum", store.ErrDamaged)
	}
	return value[:n], nil
}

// readPairs reads n pairs in any order, and nothing may follow. Of those that aren't
// there the values are 0 or nothing, and of the stale windows Absent.
func readPairs(b []byte, n int) (store.Response, error) {
	r := store.Response{StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent}
	in := reader{rest: b}
	var seen [len(layout)]bool
	for i := range n {
		key := take(&in, msgp.ReadMapKeyZC)
		at := indexOf(key, i)
		switch {
		case in.err != nil:
			return r, in.err
		case at < 0:
			in.skip() // of another release, or of somebody else
			continue
		case seen[at]:
			return r, fmt.Errorf("%s stands there twice", layout[at].key)
		}
		seen[at] = true
		if layout[at].take(&in, &r); in.err != nil {
			return r, fmt.Errorf("%s: %w", layout[at].key, in.err)
		}
	}
	if in.err == nil && len(in.rest) > 0 {
		in.err = errors.New("something behind the last pair")
	}
	return r, in.err
}

// indexOf returns which pair of the layout has the key, likely the one that is
// expected, or -1.
func indexOf(key []byte, expected int) int {
	if expected < len(layout) && layout[expected].key == string(key) {
		return expected
	}
	return slices.IndexFunc(layout[:], func(p pair) bool { return p.key == string(key) })
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(list)))
	for _, v := range list {
		b = one(b, v)
	}
	return b
}

// appendText writes a string where that is one: to MessagePack strings are UTF-8.
func appendText(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return msgp.AppendString(b, s)
	}
	return append(msgp.AppendBytesHeader(b, uint32(len(s))), s...)
}

func appendPosition(b []byte, p store.Position) []byte {
	b = msgp.AppendBytes(msgp.AppendArrayHeader(b, 2), p.Epoch[:])
	return msgp.AppendUint64(b, p.Seq)
}

func appendTag(b []byte, t store.Tag) []byte {
	return msgp.AppendUint64(appendText(msgp.AppendArrayHeader(b, 2), t.Name), t.Hash)
}

func appendField(b []byte, f store.Field) []byte {
	return appendList(appendText(msgp.AppendArrayHeader(b, 2), f.Name), f.Values, appendText)
}
