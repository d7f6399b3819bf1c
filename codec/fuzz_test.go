// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// eager are the ways of writing, where all is packed that has a body.
func eager(t testing.TB) map[string]store.Codec {
	codecs := map[string]store.Codec{}
	for name, cfg := range all {
		cfg.MinBytes, cfg.MinSaving, cfg.MaxBody = -1, -1, 1<<20
		cfg.Compressible = func(string) bool { return true }
		codecs[name] = open(t, cfg)
	}
	return codecs
}

// requireRoundTrip fails unless the entry comes out of every codec as it is.
func requireRoundTrip(t *testing.T, codecs map[string]store.Codec, e *store.Entry) {
	for name, c := range codecs {
		got, err := c.Decode(bytes.Clone(encode(t, c, e)))
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(e.Bytes(), got.Bytes()), name)
		require.Equal(t, e.Response(), got.Response(), name)
	}
}

// FuzzDecode feeds codecs with values as they come. What they take is an entry that
// comes out of every one of them again.
func FuzzDecode(f *testing.F) {
	for _, name := range names(all) {
		for _, r := range []store.Response{page(), varySpec(), {}} {
			value := encode(f, open(f, all[name]), entry(f, r))
			f.Add(value)
			f.Add(value[:len(value)/2])
		}
	}
	f.Add(write("key", "k", "status", 200).end())
	f.Add([]byte{})
	codecs := eager(f)
	f.Fuzz(func(t *testing.T, value []byte) {
		var first *store.Entry
		for _, name := range names(codecs) {
			e, err := codecs[name].Decode(bytes.Clone(value))
			if err != nil {
				require.ErrorIs(t, err, store.ErrFormat)
				require.Nil(t, e)
				require.Nil(t, first, "all read the same")
				return
			}
			if first == nil {
				first = e
			}
			require.True(t, bytes.Equal(first.Bytes(), e.Bytes()), "all read the same")
		}
		requireRoundTrip(t, codecs, first)
	})
}

// FuzzPacked gives packed bodies a head and checksums that are right, as one who forges
// an entry can: nothing but the algorithm stands between them and the reader.
func FuzzPacked(f *testing.F) {
	body := listing(300)
	for _, name := range names(packing) {
		p := packing[name]
		f.Add(uint8(p), uint32(300), pack(f, p, bytes.NewReader(body), 300))
		f.Add(uint8(p), uint32(0), pack(f, p, bytes.NewReader(nil), 0))
		f.Add(uint8(p), uint32(1<<16), pack(f, p, zeros{}, 1<<16))
		f.Add(uint8(p), uint32(1<<16), pack(f, p, bytes.NewReader(noise(1<<16)), 1<<16))
	}
	f.Add(uint8(9), uint32(1), []byte("x"))
	c := open(f, codec.Config{MaxBody: 1 << 20})
	f.Fuzz(func(t *testing.T, p uint8, says uint32, packed []byte) {
		if p == 0 {
			return
		}
		value := forged(t, store.Packing(p), says, packed)
		e, err := c.Decode(value)
		if err != nil {
			require.ErrorIs(t, err, store.ErrFormat)
			require.Nil(t, e)
			return
		}
		require.Equal(t, int(says), e.BodyLen())
		again, err := c.Decode(forged(t, store.Packing(p), says, packed))
		require.NoError(t, err)
		require.True(t, bytes.Equal(e.Bytes(), again.Bytes()))
		if store.Packing(p) == store.Gzip {
			body, err := unpackGzip(packed)
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, e.Body()), "the standard library reads the same")
		}
	})
}

// FuzzMessage feeds codecs with pairs of a MessagePack map that ends as it must.
func FuzzMessage(f *testing.F) {
	for _, r := range []store.Response{page(), varySpec(), {}} {
		value := message(f, r)
		f.Add(uint8(20), value[13:len(value)-12])
	}
	for _, w := range []*foreign{
		write("key", "k", "status", 200), write("x", list{map[string]any{"y": nil}}, "kind", 1), write("fields", list{list{"A", list{"1"}}}),
	} {
		f.Add(uint8(w.pairs-1), w.b[13:])
	}
	codecs := eager(f)
	f.Fuzz(func(t *testing.T, n uint8, pairs []byte) {
		w := write()
		w.b = append(w.b, pairs...)
		w.pairs += int(n)
		e, err := codec.Default().Decode(w.end())
		if err != nil {
			require.ErrorIs(t, err, store.ErrDamaged)
			return
		}
		requireRoundTrip(t, codecs, e)
	})
}

// FuzzRoundTrip makes entries of random parts, which come out of every codec as they
// went in. The body is repeated, so that it is long enough for more than one block.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET\x00https://example.com\x00/", "text/html", []byte("body"), uint16(1), "books", "Accept", uint16(200), int64(60e9))
	f.Add("", "", []byte{}, uint16(0), "", "", uint16(0), int64(-1))
	f.Add("\xff", "\xc3", noise(300), uint16(700), "\xff", "\xfe", uint16(999), int64(1<<63-1))
	f.Add("k", "", []byte{0}, uint16(65535), "", "", uint16(599), int64(-1<<63))
	f.Add("k", "", listing(1000), uint16(300), "", "", uint16(599), int64(128))
	codecs := eager(f)
	f.Fuzz(func(t *testing.T, key, value string, body []byte, times uint16, tag, vary string, status uint16, number int64) {
		r := store.Response{
			Kind: store.Kind(number & 1), Flags: store.Flags(number), Key: key, URLHash: uint64(number), Status: int(status % 1000),
			Fields:      []store.Field{{Name: "Content-Type", Values: []string{value}}, {Name: value, Values: []string{"", key}}, {Name: tag, Values: []string{}}},
			Body:        bytes.Repeat(body, min(int(times), 1+(160<<10)/(len(body)+1))),
			RequestTime: number, ResponseTime: -number, StoreUntil: number / 2, InitialAge: time.Duration(number), Lifetime: time.Duration(number / 3),
			LifetimeFrom: store.Source(number), StaleWhileRevalidate: store.Absent, StaleIfError: time.Duration(number), Selected: value, Generation: uint64(number) * 3,
			Tags: []store.Tag{{Name: tag, Hash: uint64(number)}, {Name: vary}}, Vary: []string{vary, tag}, AsOf: []store.Position{{Epoch: [16]byte{byte(number)}, Seq: uint64(number)}},
		}
		e, err := store.New(r)
		if err != nil {
			require.ErrorIs(t, err, store.ErrTooLarge)
			return
		}
		requireRoundTrip(t, codecs, e)
	})
}

// FuzzGzip compares with the standard library: it unpacks what klauspost's packs, to
// the same bytes.
func FuzzGzip(f *testing.F) {
	f.Add([]byte("body"), uint8(1), uint16(1))
	f.Add(listing(3000), uint8(9), uint16(40))
	f.Add(noise(3000), uint8(5), uint16(3))
	f.Add([]byte{0}, uint8(6), uint16(65535))
	levels := make([]store.Codec, 10)
	for level := range levels {
		levels[level] = open(f, codec.Config{Compression: codec.Gzip, Level: level, MinBytes: -1, MinSaving: -1})
	}
	f.Fuzz(func(t *testing.T, seed []byte, level uint8, times uint16) {
		body := bytes.Repeat(seed, min(int(times), 1+(1<<16)/(len(seed)+1)))
		value := encode(t, levels[level%10], entry(t, withBody(body)))
		e, err := store.Unpack(value, 1<<20, func(p store.Packing, _, packed []byte) ([]byte, error) {
			require.Equal(t, store.Gzip, p)
			return unpackGzip(packed)
		})
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, e.Body()))
	})
}
