// SPDX-License-Identifier: MIT

package store_test

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func TestRoundTrip(t *testing.T) {
	large := page()
	large.Body = bytes.Repeat([]byte("0123456789abcdef"), 64<<10/16)
	larger := page()
	larger.Body = append(large.Body[:len(large.Body):len(large.Body)], 'x')
	bare := store.Response{Fields: []store.Field{}, Body: []byte{}}
	extreme := page()
	extreme.Status, extreme.Flags = 999, ^store.Flags(0)
	extreme.RequestTime, extreme.StoreUntil = -1<<63, 1<<63-1
	extreme.InitialAge, extreme.Lifetime = -1<<63, 1<<63-1
	extreme.Key = strings.Repeat("k", store.MaxKeyLen)

	for name, r := range map[string]store.Response{
		"page": page(), "variant": variant(), "vary spec": varySpec(), "bare": bare, "extreme": extreme,
		"large body": large, "larger body": larger,
	} {
		t.Run(name, func(t *testing.T) {
			e := encode(t, r)
			require.Equal(t, r, e.Response())
			require.Equal(t, len(e.Bytes()), e.Size())
			decoded, err := store.Decode(e.Bytes())
			require.NoError(t, err)
			require.Equal(t, r, decoded.Response())
			require.Equal(t, e.Bytes(), decoded.Bytes())
		})
	}
}

func TestRoundTripOfAnything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		r := anything(rnd)
		e := encode(t, r)
		require.Equal(t, r, e.Response())
		decoded, err := store.Decode(e.Bytes())
		require.NoError(t, err)
		require.Equal(t, r, decoded.Response())
		require.Equal(t, e.Bytes(), encode(t, decoded.Response()).Bytes(), "one response has one encoding")
	}
}

// anything returns a response of random parts, empty ones among them.
func anything(rnd *rand.Rand) store.Response {
	text := func(limit int) string {
		b := make([]byte, rnd.IntN(limit))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	r := store.Response{
		Kind: store.Kind(rnd.IntN(2)), Flags: store.Flags(rnd.Uint32()), Key: text(100), URLHash: rnd.Uint64(),
		Status: rnd.IntN(1000), Fields: make([]store.Field, rnd.IntN(5)), Body: []byte(text(300)),
		RequestTime: rnd.Int64(), ResponseTime: -rnd.Int64(), StoreUntil: rnd.Int64(),
		InitialAge: time.Duration(rnd.Int64()), Lifetime: time.Duration(rnd.Int64()),
		LifetimeFrom:         store.Source(rnd.IntN(8)),
		StaleWhileRevalidate: time.Duration(rnd.Int64()), StaleIfError: store.Absent,
		Selected: text(30), Generation: rnd.Uint64(),
	}
	for i := range r.Fields {
		r.Fields[i] = store.Field{Name: text(20), Values: make([]string, rnd.IntN(3))}
		for j := range r.Fields[i].Values {
			r.Fields[i].Values[j] = text(50)
		}
	}
	for range rnd.IntN(4) {
		r.Tags = append(r.Tags, store.Tag{Name: text(20), Hash: rnd.Uint64()})
		r.Vary = append(r.Vary, text(20))
	}
	for range rnd.IntN(17) {
		r.AsOf = append(r.AsOf, store.Position{Epoch: [16]byte{byte(rnd.Uint32())}, Seq: rnd.Uint64()})
	}
	return r
}

func TestNewCopies(t *testing.T) {
	r := page()
	e := encode(t, r)
	before := bytes.Clone(e.Bytes())
	clear(r.Body)
	r.Fields[1].Values[0] = "changed"
	require.Equal(t, before, e.Bytes())
}

func TestReturnedSlicesDontReachOthers(t *testing.T) {
	e := encode(t, page())
	before := bytes.Clone(e.Bytes())
	_ = append(e.Body(), "overwritten"...)
	_ = append(e.Bytes(), "overwritten"...)
	fields := e.Fields()
	_ = append(fields[0].Values, "overwritten")
	require.Equal(t, before, e.Bytes())
	require.Equal(t, page().Fields, fields)
}

func TestNewRefusesWhatTheFormatCantHold(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for name, c := range map[string]struct {
		change func(r *store.Response)
		want   error
	}{
		"key":              {func(r *store.Response) { r.Key = strings.Repeat("k", store.MaxKeyLen+1) }, store.ErrTooLarge},
		"positions":        {func(r *store.Response) { r.AsOf = make([]store.Position, 17) }, store.ErrTooLarge},
		"fields":           {func(r *store.Response) { r.Fields = make([]store.Field, 1<<16) }, store.ErrTooLarge},
		"field name":       {func(r *store.Response) { r.Fields = []store.Field{{Name: long}} }, store.ErrTooLarge},
		"lines of a field": {func(r *store.Response) { r.Fields = []store.Field{{Values: make([]string, 1<<16)}} }, store.ErrTooLarge},
		"tags":             {func(r *store.Response) { r.Tags = make([]store.Tag, 1<<16) }, store.ErrTooLarge},
		"tag":              {func(r *store.Response) { r.Tags = []store.Tag{{Name: long}} }, store.ErrTooLarge},
		"names in Vary":    {func(r *store.Response) { r.Vary = make([]string, 1<<16) }, store.ErrTooLarge},
		"name in Vary":     {func(r *store.Response) { r.Vary = []string{long} }, store.ErrTooLarge},
		"status":           {func(r *store.Response) { r.Status = 1000 }, store.ErrFormat},
		"negative status":  {func(r *store.Response) { r.Status = -1 }, store.ErrFormat},
		"kind":             {func(r *store.Response) { r.Kind = store.KindVary + 1 }, store.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			r := page()
			c.change(&r)
			_, err := store.New(r)
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), r.Key)
		})
	}
}

func TestDecodeRefusesEveryDamagedByte(t *testing.T) {
	for name, r := range map[string]store.Response{"page": page(), "variant": variant(), "vary spec": varySpec()} {
		t.Run(name, func(t *testing.T) {
			raw := encode(t, r).Bytes()
			for i := range raw {
				for _, flip := range []byte{1, 0x80, 0xff} {
					damaged := bytes.Clone(raw)
					damaged[i] ^= flip
					_, err := store.Decode(damaged)
					require.ErrorIs(t, err, store.ErrFormat, "byte %d", i)
				}
			}
		})
	}
}

func TestDecodeRefusesADamagedLargeBody(t *testing.T) {
	r := page()
	r.Body = make([]byte, 1<<20)
	raw := encode(t, r).Bytes()
	head := len(raw) - len(r.Body)
	for i := 0; i < len(raw); i += 1 + i/head*4099 { // each byte of the head, some of the body
		damaged := bytes.Clone(raw)
		damaged[i] ^= 4
		_, err := store.Decode(damaged)
		require.ErrorIs(t, err, store.ErrFormat, "byte %d", i)
	}
	for _, n := range []int{0, head, len(raw) - 1} {
		_, err := store.Decode(raw[:n])
		require.ErrorIs(t, err, store.ErrFormat, "cut to %d bytes", n)
	}
}

func TestDecodeRefusesEveryOtherLength(t *testing.T) {
	raw := encode(t, variant()).Bytes()
	for n := range raw {
		_, err := store.Decode(raw[:n])
		require.ErrorIs(t, err, store.ErrFormat, "cut to %d bytes", n)
	}
	_, err := store.Decode(append(bytes.Clone(raw), 0))
	require.ErrorIs(t, err, store.ErrFormat, "a byte too long")
	_, err = store.Decode(append(bytes.Clone(raw), raw...))
	require.ErrorIs(t, err, store.ErrFormat, "twice")
}

// TestDecodeRefusesOtherFormats changes bytes of the header whose checksum is right.
func TestDecodeRefusesOtherFormats(t *testing.T) {
	for name, c := range map[string]struct {
		at    int
		value byte
	}{
		"older format": {4, 0}, "newer format": {4, 2}, "unknown codec": {5, 1}, "unknown kind": {6, 2},
		"reserved byte": {15, 1}, "too many positions": {14, 17}, "fewer positions than there are": {14, 1},
		"more positions than there are": {14, 3},
	} {
		t.Run(name, func(t *testing.T) {
			raw := bytes.Clone(encode(t, page()).Bytes())
			raw[c.at] = c.value
			_, err := store.Decode(summed(raw))
			require.ErrorIs(t, err, store.ErrFormat)
		})
	}
}

// summed writes the checksum of the head anew, as one who forges an entry can.
func summed(raw []byte) []byte {
	if len(raw) < 20 {
		return raw
	}
	end := int(uint32(raw[16]) | uint32(raw[17])<<8 | uint32(raw[18])<<16 | uint32(raw[19])<<24)
	if end < 100 || end > len(raw) {
		return raw
	}
	sum := crc32.Checksum(raw[:end-4], crc32.MakeTable(crc32.Castagnoli))
	copy(raw[end-4:], []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
	return raw
}

func BenchmarkNew(b *testing.B) {
	r := page()
	r.Body = make([]byte, 10<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.New(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	r := page()
	r.Body = make([]byte, 10<<10)
	raw := encode(b, r).Bytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
