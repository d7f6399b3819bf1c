// SPDX-License-Identifier: MIT

package store_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// A response comes out of its encoded form as it went in.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET\x00https://example.com\x00/", "Content-Type: text/html\nLink: </a>, , </b>", []byte("body"), "books\nshelf", "Accept\nHost", "text/html", uint16(200), uint8(1), int64(60e9))
	f.Add("", "", []byte{}, "", "", "", uint16(0), uint8(0), int64(-1))
	f.Add(strings.Repeat("k", 3000), "X:\n: y\n\xff:\x00", bytes.Repeat([]byte("b"), 64<<10), "\n\n", "\n", "\x00", uint16(999), uint8(16), int64(1<<63-1))
	f.Add("k", "", bytes.Repeat([]byte("b"), 64<<10+1), "", "", "", uint16(599), uint8(3), int64(-1<<63))
	f.Fuzz(func(t *testing.T, key, fields string, body []byte, tags, vary, selected string, status uint16, small uint8, number int64) {
		r := store.Response{
			Kind: store.Kind(small % 2), Flags: store.Flags(number), Key: key, URLHash: uint64(number), Status: int(status % 1000), Fields: []store.Field{}, Body: body,
			RequestTime: number, ResponseTime: -number, StoreUntil: number / 2, InitialAge: time.Duration(number), Lifetime: time.Duration(number / 3),
			LifetimeFrom: store.Source(small), StaleWhileRevalidate: store.Absent, StaleIfError: time.Duration(number), Selected: selected, Generation: uint64(number) * 3,
		}
		for line := range strings.SplitSeq(fields, "\n") {
			name, values, _ := strings.Cut(line, ":")
			r.Fields = append(r.Fields, store.Field{Name: name, Values: strings.Split(values, ",")})
		}
		for i, name := range strings.Split(tags, "\n") {
			r.Tags = append(r.Tags, store.Tag{Name: name, Hash: uint64(number) + uint64(i)})
		}
		r.Vary = strings.Split(vary, "\n")
		for i := range small % 17 {
			r.AsOf = append(r.AsOf, store.Position{Epoch: [16]byte{i, 15: small}, Seq: uint64(number) - uint64(i)})
		}
		e, err := store.New(r)
		if err != nil {
			require.ErrorIs(t, err, store.ErrTooLarge)
			require.Greater(t, len(key), store.MaxKeyLen)
			return
		}
		again, err := store.Decode(bytes.Clone(e.Bytes()))
		require.NoError(t, err)
		require.Equal(t, r, again.Response())
		require.True(t, bytes.Equal(e.Bytes(), again.Bytes()))
		useAll(t, again)
	})
}

// Damage never passes for another response. CRC-32C finds every error within 32 bits
// in a row; one in a body that is too long to be summed leaves all else as it was.
func FuzzDamage(f *testing.F) {
	large := page()
	large.Body = bytes.Repeat([]byte("large"), 20_000)
	entries := []*store.Entry{encode(f, page()), encode(f, variant()), encode(f, varySpec()), encode(f, large)}
	for which := range entries {
		for _, at := range []uint32{0, 4, 5, 6, 15, 16, 20, 24, 96, 1 << 9, 1<<32 - 1} {
			f.Add(uint8(which), at, uint32(1)<<(at%32), at)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at, damage, cut uint32) {
		e := entries[int(which)%len(entries)]
		whole := e.Bytes()

		_, err := store.Decode(bytes.Clone(whole[:int(cut)%len(whole)]))
		require.ErrorIs(t, err, store.ErrFormat, "cut off")
		_, err = store.Decode(append(bytes.Clone(whole), byte(cut)))
		require.ErrorIs(t, err, store.ErrFormat, "something behind")

		raw := bytes.Clone(whole)
		for i := range 4 {
			raw[(int(at)+i)%len(raw)] ^= byte(damage >> (8 * i))
		}
		got, err := store.Decode(raw)
		switch {
		case bytes.Equal(raw, whole):
			require.NoError(t, err)
		case err != nil:
			require.ErrorIs(t, err, store.ErrFormat)
		default:
			require.Equal(t, uint8(3), which%4, "only a large body has no checksum")
			want, damaged := e.Response(), got.Response()
			require.Len(t, damaged.Body, len(want.Body))
			want.Body, damaged.Body = nil, nil
			require.Equal(t, want, damaged)
		}
	})
}
