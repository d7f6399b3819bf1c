// SPDX-License-Identifier: MIT

package store_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// enough is a limit that no body of these tests reaches.
const enough = 1 << 20

// manyBooks returns the page with a body that is worth packing.
func manyBooks() store.Response {
	r := page()
	r.Body = []byte(strings.Repeat("<li>A book\n", 300))
	return r
}

// gzipped packs as package codec does, by the standard library.
func gzipped(t testing.TB, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// gunzip appends to dst, which need not have room.
func gunzip(p store.Packing, dst, packed []byte) ([]byte, error) {
	if p != store.Gzip {
		return nil, store.ErrFormat
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(dst)
	_, err = io.Copy(out, r)
	return out.Bytes(), err
}

// never is the unpack function of those who expect that it isn't called.
func never(t testing.TB) func(store.Packing, []byte, []byte) ([]byte, error) {
	return func(store.Packing, []byte, []byte) ([]byte, error) {
		require.Fail(t, "nothing is to be unpacked")
		return nil, nil
	}
}

func TestPackedRoundTrip(t *testing.T) {
	empty, large := page(), page()
	empty.Body = []byte{}
	large.Body = bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	for name, r := range map[string]store.Response{
		"page": page(), "variant": variant(), "vary spec": varySpec(), "books": manyBooks(), "no body": empty, "large": large,
	} {
		t.Run(name, func(t *testing.T) {
			e := encode(t, r)
			before := bytes.Clone(e.Bytes())
			value := e.Packed(store.Gzip, gzipped(t, r.Body))
			require.Equal(t, before, e.Bytes(), "the entry stays what it is")
			valueBefore := bytes.Clone(value)
			got, err := store.Unpack(value, enough, gunzip)
			require.NoError(t, err)
			require.Equal(t, r, got.Response())
			require.Equal(t, before, got.Bytes())
			require.Equal(t, valueBefore, value, "the value stays what it is")
		})
	}
}

// The layout of packed values is part of the format.
func TestPackedLayout(t *testing.T) {
	e := encode(t, page())
	value := e.Packed(store.Gzip, []byte("packed"))
	headLen := binary.LittleEndian.Uint32(value[16:])
	sum := func(b []byte) []byte {
		return binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	require.Equal(t, byte(store.Gzip), value[5])
	require.Equal(t, uint32(4+len("packed")), binary.LittleEndian.Uint32(value[20:]))
	head, body, end := value[:headLen], value[headLen:headLen+10], value[headLen+10:]
	require.Equal(t, uint32(len(page().Body)), binary.LittleEndian.Uint32(body))
	require.Equal(t, "packed", string(body[4:]))
	require.Equal(t, sum(head[:headLen-4]), head[headLen-4:])
	require.Equal(t, sum(body), end)

	plain := e.Bytes()[:headLen] // else the head is that of the entry
	require.Equal(t, plain[:5], head[:5])
	require.Equal(t, plain[6:20], head[6:20])
	require.Equal(t, plain[24:headLen-4], head[24:headLen-4])
	require.Equal(t, []store.Packing{0, 1, 2, 3}, []store.Packing{store.Unpacked, store.Zstd, store.Brotli, store.Gzip})
}

func TestPackedAsUnpackedIsTheEntry(t *testing.T) {
	e := encode(t, page())
	require.Equal(t, e.Bytes(), e.Packed(store.Unpacked, []byte("whatever")))
}

// Who knows no packing says so, and doesn't take it for damage.
func TestPlainDecodeRefusesPackings(t *testing.T) {
	for _, p := range []store.Packing{store.Zstd, store.Brotli, store.Gzip, 4, 255} {
		_, err := store.Decode(encode(t, page()).Packed(p, gzipped(t, page().Body)))
		require.ErrorIs(t, err, store.ErrFormat)
		require.NotErrorIs(t, err, store.ErrDamaged)
	}
}

func TestUnpackOfWhatIsUnpacked(t *testing.T) {
	for _, r := range []store.Response{page(), variant(), varySpec()} {
		value := encode(t, r).Bytes()
		got, err := store.Unpack(value, 0, never(t)) // there is nothing to unpack, so no limit for it
		require.NoError(t, err)
		require.Equal(t, r, got.Response())
		require.Same(t, &value[0], &got.Bytes()[0], "and it isn't copied")
	}
}

// The function gets the packing, what was packed, and room for exactly the body.
func TestWhatUnpackGets(t *testing.T) {
	r := manyBooks()
	value := encode(t, r).Packed(200, []byte("packed"))
	calls := 0
	got, err := store.Unpack(value, len(r.Body), func(p store.Packing, dst, packed []byte) ([]byte, error) {
		calls++
		require.Equal(t, store.Packing(200), p)
		require.Empty(t, dst)
		require.Equal(t, len(r.Body), cap(dst))
		require.Equal(t, "packed", string(packed))
		return append(dst, r.Body...), nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, calls)
	require.Equal(t, r, got.Response())
}

// A function may answer with memory of its own, or with another part of what it got.
func TestUnpackIntoOtherMemory(t *testing.T) {
	r := manyBooks()
	value := encode(t, r).Packed(store.Zstd, []byte("packed"))
	for name, body := range map[string]func(dst []byte) []byte{
		"its own":         func([]byte) []byte { return r.Body },
		"its own, larger": func([]byte) []byte { return append(make([]byte, 0, 1<<20), r.Body...) },
		"grown away":      func(dst []byte) []byte { return append(append(dst, make([]byte, 2*cap(dst))...)[:0], r.Body...) },
	} {
		got, err := store.Unpack(value, enough, func(_ store.Packing, dst, _ []byte) ([]byte, error) { return body(dst), nil })
		require.NoError(t, err, name)
		require.Equal(t, encode(t, r).Bytes(), got.Bytes(), name)
	}
}

func TestUnpackOfAnotherLength(t *testing.T) {
	r := manyBooks()
	value := encode(t, r).Packed(store.Zstd, []byte("packed"))
	for name, body := range map[string][]byte{
		"nothing": nil, "a byte less": r.Body[1:], "a byte more": append([]byte("x"), r.Body...), "twice": append(r.Body[:len(r.Body):len(r.Body)], r.Body...),
	} {
		for _, own := range []bool{false, true} {
			got, err := store.Unpack(value, enough, func(_ store.Packing, dst, _ []byte) ([]byte, error) {
				if own {
					return bytes.Clone(body), nil
				}
				return append(dst, body...), nil
			})
			require.ErrorIs(t, err, store.ErrDamaged, name)
			require.Nil(t, got, name)
		}
	}
}

func TestErrorsOfUnpack(t *testing.T) {
	value := encode(t, page()).Packed(store.Zstd, []byte("packed"))
	failing := func(err error) func(store.Packing, []byte, []byte) ([]byte, error) {
		return func(store.Packing, []byte, []byte) ([]byte, error) { return nil, err }
	}
	unknown := errors.New("not of ours")
	_, err := store.Unpack(value, enough, failing(unknown))
	require.ErrorIs(t, err, store.ErrDamaged, "an error that says nothing else means damage")
	require.ErrorIs(t, err, unknown)
	_, err = store.Unpack(value, enough, failing(store.ErrFormat))
	require.ErrorIs(t, err, store.ErrFormat)
	require.NotErrorIs(t, err, store.ErrDamaged, "a packing of the future")
}

// says writes another length of the body into a packed value, and the checksum.
func says(value []byte, n uint32) []byte {
	value = bytes.Clone(value)
	body := value[binary.LittleEndian.Uint32(value[16:]):]
	binary.LittleEndian.PutUint32(body, n)
	end := len(body) - 4
	binary.LittleEndian.PutUint32(body[end:], crc32.Checksum(body[:end], crc32.MakeTable(crc32.Castagnoli)))
	return value
}

// What is longer than the limit is refused before anything is allocated for it.
func TestUnpackLimit(t *testing.T) {
	r := manyBooks()
	n := len(r.Body)
	value := encode(t, r).Packed(store.Gzip, gzipped(t, r.Body))
	for _, limit := range []int{n, n + 1, math.MaxInt} {
		_, err := store.Unpack(value, limit, gunzip)
		require.NoError(t, err, "limit %d", limit)
	}
	for _, limit := range []int{n - 1, 1, 0, -1, math.MinInt} {
		_, err := store.Unpack(value, limit, never(t))
		require.ErrorIs(t, err, store.ErrFormat, "limit %d", limit)
	}
	for _, n := range []uint32{math.MaxUint32, math.MaxUint32 - 200, math.MaxInt32 + 1} {
		_, err := store.Unpack(says(value, n), math.MaxInt, never(t))
		require.ErrorIs(t, err, store.ErrFormat, "more than any entry has")
	}
	for _, other := range []int{0, 1, n - 1, n + 1} {
		_, err := store.Unpack(says(value, uint32(other)), enough, gunzip)
		require.ErrorIs(t, err, store.ErrDamaged, "says %d", other)
	}
}

func TestUnpackRefusesEveryDamagedByte(t *testing.T) {
	value := encode(t, manyBooks()).Packed(store.Gzip, gzipped(t, manyBooks().Body))
	for i := range value {
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(value)
			damaged[i] ^= flip
			_, err := store.Unpack(damaged, enough, never(t))
			require.ErrorIs(t, err, store.ErrFormat, "byte %d", i)
		}
	}
}

func TestUnpackRefusesEveryOtherLength(t *testing.T) {
	value := encode(t, manyBooks()).Packed(store.Gzip, gzipped(t, manyBooks().Body))
	for n := range value {
		_, err := store.Unpack(value[:n], enough, never(t))
		require.ErrorIs(t, err, store.ErrFormat, "cut to %d bytes", n)
	}
	_, err := store.Unpack(append(bytes.Clone(value), 0), enough, never(t))
	require.ErrorIs(t, err, store.ErrFormat, "a byte too long")
}

// A head that is wrong in itself is no entry, however well its body unpacks.
func TestUnpackRefusesForgedHeads(t *testing.T) {
	body := gzipped(t, page().Body)
	for name, c := range map[string]struct {
		at    int
		value byte
	}{"unknown kind": {6, 2}, "reserved byte": {15, 1}, "too many positions": {14, 17}, "fewer positions than there are": {14, 1}} {
		value := encode(t, page()).Packed(store.Gzip, body)
		value[c.at] = c.value
		_, err := store.Unpack(summed(value), enough, gunzip)
		require.ErrorIs(t, err, store.ErrFormat, name)
	}
	for n := range 4 { // too short for the length
		value := encode(t, page()).Packed(store.Gzip, nil)
		headLen := binary.LittleEndian.Uint32(value[16:])
		value = append(value[:headLen], make([]byte, n)...)
		binary.LittleEndian.PutUint32(value[20:], uint32(n))
		sum := crc32.Checksum(value[headLen:], crc32.MakeTable(crc32.Castagnoli))
		value = binary.LittleEndian.AppendUint32(value, sum)
		_, err := store.Unpack(summed(value), enough, never(t))
		require.ErrorIs(t, err, store.ErrDamaged, "%d bytes", n)
	}
}

// FuzzUnpack forges heads and bodies whose checksums are right.
func FuzzUnpack(f *testing.F) {
	for _, r := range []store.Response{page(), varySpec(), manyBooks()} {
		f.Add(encode(f, r).Packed(store.Gzip, gzipped(f, r.Body)), uint32(len(r.Body)))
		f.Add(encode(f, r).Bytes(), uint32(0))
	}
	f.Fuzz(func(t *testing.T, raw []byte, n uint32) {
		value := summed(bytes.Clone(raw))
		if len(value) > 100 {
			headLen, end := uint64(binary.LittleEndian.Uint32(value[16:])), len(value)-4
			if headLen+4 <= uint64(end) && value[5] != 0 {
				binary.LittleEndian.PutUint32(value[20:], uint32(end)-uint32(headLen))
				value = summed(says(value, n))
			}
		}
		e, err := store.Unpack(value, 1<<16, gunzip)
		if err != nil {
			require.ErrorIs(t, err, store.ErrFormat)
			return
		}
		useAll(t, e)
		again, err := store.Unpack(e.Packed(store.Gzip, gzipped(t, e.Body())), 1<<20, gunzip)
		if err != nil {
			require.Greater(t, e.BodyLen(), 1<<20, "what was never packed has no limit")
			return
		}
		require.True(t, bytes.Equal(e.Bytes(), again.Bytes()))
	})
}
