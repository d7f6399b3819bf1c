// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// Every codec reads what every other one wrote, byte for byte.
func TestEveryCodecReadsAll(t *testing.T) {
	responses := map[string]store.Response{
		"page": page(), "vary spec": varySpec(), "bare": {},
		"JSON of 1 KiB": withBody(listing(1 << 10)), "JSON of 64 KiB": withBody(listing(64 << 10)),
		"JSON of 64 KiB and 1": withBody(listing(64<<10 + 1)), "JSON of 2 MiB": withBody(listing(2 << 20)),
		"noise of 100 KiB": withBody(noise(100 << 10)), "zeros of 3 MiB": withBody(make([]byte, 3<<20)),
	}
	readers := map[string]store.Codec{"the default": codec.Default()}
	for name, cfg := range all {
		readers[name] = open(t, cfg)
	}
	for _, written := range names(all) {
		t.Run(written, func(t *testing.T) {
			for name, r := range responses {
				e := entry(t, r)
				value := encode(t, readers[written], e)
				for reader, c := range readers {
					got, err := c.Decode(bytes.Clone(value))
					require.NoError(t, err, "%s, read by %s", name, reader)
					require.True(t, bytes.Equal(e.Bytes(), got.Bytes()), "%s, read by %s", name, reader)
					require.Equal(t, e.Response(), got.Response(), "%s, read by %s", name, reader)
				}
			}
		})
	}
}

// The plain codec, which knows no packing, says so instead of guessing.
func TestPlainReadsOnlyWhatIsUnpacked(t *testing.T) {
	e := entry(t, page())
	for _, written := range names(all) {
		_, err := store.Plain.Decode(encode(t, open(t, all[written]), e))
		if written == "plain" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, store.ErrFormat, written)
		require.NotErrorIs(t, err, store.ErrDamaged, written)
	}
}

// What is packed is what Config asks for, and nothing that it isn't worth for.
func TestWhatIsPacked(t *testing.T) {
	mixed := func(text int) []byte { return append(listing(text), noise(10_000-text)...) }
	with := func(body []byte, fields ...store.Field) store.Response {
		r := withBody(body)
		r.Fields = fields
		return r
	}
	html := store.Field{Name: "Content-Type", Values: []string{"Text/HTML ; charset=utf-8"}}
	coded := func(coding string) store.Field {
		return store.Field{Name: "Content-Encoding", Values: []string{coding}}
	}
	zip := store.Field{Name: "Content-Type", Values: []string{"application/zip"}}
	onlyZip := func(mediaType string) bool { return mediaType == "application/zip" }
	for _, c := range []struct {
		name     string
		cfg      codec.Config
		response store.Response
		want     store.Packing
	}{
		{"zstd by default", codec.Config{}, page(), store.Zstd},
		{"brotli", codec.Config{Compression: codec.Brotli}, page(), store.Brotli},
		{"gzip", codec.Config{Compression: codec.Gzip}, page(), store.Gzip},
		{"none", codec.Config{Compression: codec.None}, page(), store.Unpacked},
		{"1 KiB", codec.Config{}, with(listing(1<<10), html), store.Zstd},
		{"a byte less", codec.Config{}, with(listing(1<<10-1), html), store.Unpacked},
		{"above MinBytes", codec.Config{MinBytes: 200}, with(listing(200), html), store.Zstd},
		{"below MinBytes", codec.Config{MinBytes: 200}, with(listing(199), html), store.Unpacked},
		{"no MinBytes", codec.Config{MinBytes: -1}, with([]byte(strings.Repeat("a", 100)), html), store.Zstd},
		{"no body", codec.Config{MinBytes: -1, MinSaving: -1}, with(nil, html), store.Unpacked},
		{"no type", codec.Config{}, with(listing(4 << 10)), store.Unpacked},
		{"a type that is packed in itself", codec.Config{}, with(listing(4<<10), zip), store.Unpacked},
		{"a type that Compressible takes", codec.Config{Compressible: onlyZip}, with(listing(4<<10), zip), store.Zstd},
		{"a type that Compressible doesn't take", codec.Config{Compressible: onlyZip}, with(listing(4<<10), html), store.Unpacked},
		{"coded", codec.Config{}, with(listing(4<<10), html, coded("br")), store.Unpacked},
		{"coded as identity", codec.Config{}, with(listing(4<<10), html, coded("Identity")), store.Zstd},
		{"noise", codec.Config{MinSaving: -1}, with(noise(4<<10), html), store.Unpacked},
		{"saves 5 %", codec.Config{}, with(mixed(700), html), store.Unpacked},
		{"saves 5 % of at least 2", codec.Config{MinSaving: 2}, with(mixed(700), html), store.Zstd},
		{"saves 5 % of any", codec.Config{MinSaving: -1}, with(mixed(700), html), store.Zstd},
		{"saves 40 %", codec.Config{}, with(mixed(6000), html), store.Zstd},
		{"saves 40 % of at least 60", codec.Config{MinSaving: 60}, with(mixed(6000), html), store.Unpacked},
		{"as long as MaxBody", codec.Config{MaxBody: 5000}, with(listing(5000), html), store.Zstd},
		{"longer than MaxBody", codec.Config{MaxBody: 5000}, with(listing(5001), html), store.Unpacked},
	} {
		t.Run(c.name, func(t *testing.T) {
			value := encode(t, open(t, c.cfg), entry(t, c.response))
			require.Equal(t, c.want, packingOf(value))
		})
	}
}

// An entry that isn't packed is not copied.
func TestUnpackedIsTheEntryItself(t *testing.T) {
	e := entry(t, withBody(noise(4<<10)))
	value := encode(t, codec.Default(), e)
	require.Same(t, &e.Bytes()[0], &value[0])
}

// Encoding leaves the entry alone, and reuses nothing that it gave away.
func TestValuesAreIndependent(t *testing.T) {
	for _, written := range names(all) {
		c := open(t, all[written])
		one, other := entry(t, withBody(listing(5000))), entry(t, withBody(bytes.Repeat([]byte("other"), 2000)))
		before := bytes.Clone(one.Bytes())
		value := encode(t, c, one)
		valueBefore := bytes.Clone(value)
		encode(t, c, other)
		require.Equal(t, before, one.Bytes())
		require.Equal(t, valueBefore, value)
		got, err := c.Decode(value)
		require.NoError(t, err)
		_, err = c.Decode(encode(t, c, other))
		require.NoError(t, err)
		require.Equal(t, before, got.Bytes())
	}
}

// A higher level makes values smaller, on the whole scale of the algorithm.
func TestLevels(t *testing.T) {
	e := entry(t, withBody(listing(50<<10)))
	for _, c := range []struct {
		compression codec.Compression
		highest     int
	}{{codec.Zstd, 4}, {codec.Brotli, 11}, {codec.Gzip, 9}} {
		size := map[int]int{}
		for level := range c.highest + 1 {
			coder := open(t, codec.Config{Compression: c.compression, Level: level})
			value := encode(t, coder, e)
			got, err := coder.Decode(value)
			require.NoError(t, err)
			require.True(t, bytes.Equal(e.Bytes(), got.Bytes()))
			size[level] = len(value)
		}
		standard := map[codec.Compression]int{codec.Zstd: 1, codec.Brotli: 4, codec.Gzip: 5}[c.compression]
		require.Equal(t, size[standard], size[0], "the default is the level that the documentation says")
		require.Less(t, size[c.highest], size[1])
	}
}

// Compressing a body again and again gives the same value: stores may compare.
func TestEncodingIsDeterministic(t *testing.T) {
	e := entry(t, withBody(listing(100<<10)))
	for _, written := range names(all) {
		c := open(t, all[written])
		value := encode(t, c, e)
		require.Equal(t, value, encode(t, c, e), written)
		encode(t, c, entry(t, page()))
		require.Equal(t, value, encode(t, c, e), written)
		require.Equal(t, value, encode(t, open(t, all[written]), e), written)
	}
}
