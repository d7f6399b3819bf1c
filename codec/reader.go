// SPDX-License-Identifier: MIT

package codec

import (
	"errors"
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/holdover-go/holdover/store"
)

// reader walks over MessagePack. Once something was wrong it stays so, and returns zero
// values. Its errors don't quote what it read.
type reader struct {
	rest []byte
	err  error
}

var errWrong = errors.New("cut off, or of another type")

// take reads one value by a function of msgp.
func take[T any](in *reader, read func([]byte) (T, []byte, error)) (v T) {
	if in.err != nil {
		return v
	}
	got, rest, err := read(in.rest)
	if err != nil {
		in.err = errWrong
		return v
	}
	in.rest = rest
	return got
}

// bytes reads binary data or a string, without copying.
func (in *reader) bytes() []byte {
	if msgp.NextType(in.rest) == msgp.StrType {
		return take(in, msgp.ReadStringZC)
	}
	return take(in, msgp.ReadBytesZC)
}

func (in *reader) text() string { return string(in.bytes()) }

// list reads an array that an entry can hold. Nothing is allocated for elements that the
// rest of the input has no room for.
func list[T any](in *reader, one func(*reader) T) []T {
	n := take(in, msgp.ReadArrayHeaderBytes)
	if n > math.MaxUint16 || int(n) > len(in.rest) {
		in.err = errWrong
	}
	if in.err != nil {
		return nil
	}
	all := make([]T, n)
	for i := range all {
		if all[i] = one(in); in.err != nil {
			return nil
		}
	}
	return all
}

// pair reads the head of an array that must have two elements.
func (in *reader) pair() {
	if n := take(in, msgp.ReadArrayHeaderBytes); n != 2 {
		in.err = errWrong
	}
}

func (in *reader) position() (p store.Position) {
	in.pair()
	if epoch := in.bytes(); copy(p.Epoch[:], epoch) != len(p.Epoch) || len(epoch) > len(p.Epoch) {
		in.err = errWrong
	}
	p.Seq = take(in, msgp.ReadUint64Bytes)
	return p
}

func (in *reader) tag() (t store.Tag) {
	in.pair()
	t.Name = in.text()
	t.Hash = take(in, msgp.ReadUint64Bytes)
	return t
}

func (in *reader) field() (f store.Field) {
	in.pair()
	f.Name = in.text()
	f.Values = list(in, (*reader).text)
	return f
}

// skip passes over one value, and over all that it holds, without recursion.
func (in *reader) skip() {
	for pending := uint64(1); pending > 0 && in.err == nil; pending-- {
		switch msgp.NextType(in.rest) {
		case msgp.ArrayType:
			pending += uint64(take(in, msgp.ReadArrayHeaderBytes))
		case msgp.MapType:
			pending += 2 * uint64(take(in, msgp.ReadMapHeaderBytes))
		default:
			take(in, func(b []byte) (struct{}, []byte, error) {
				rest, err := msgp.Skip(b)
				return struct{}{}, rest, err
			})
		}
	}
}
