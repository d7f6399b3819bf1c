// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// message encodes a response as MessagePack.
func message(t testing.TB, r store.Response) []byte {
	t.Helper()
	return encode(t, open(t, codec.Config{Format: codec.MessagePack}), entry(t, r))
}

// Any reader of MessagePack gets all that an entry says, under the documented names.
func TestMessageForForeignReaders(t *testing.T) {
	got, rest, err := msgp.ReadMapStrIntfBytes(message(t, page()), nil)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.IsType(t, uint64(0), got["crc32c"])
	delete(got, "crc32c")
	require.Equal(t, map[string]any{
		"holdover": int64(1), "kind": int64(0), "flags": int64(80), "status": int64(200),
		"key": "GET\x00https://example.com\x00/books?page=2", "url_hash": uint64(0xfedcba9876543210),
		"request_time": int64(sampleTime), "response_time": int64(sampleTime + 1e6), "store_until": int64(sampleTime + 1e15),
		"initial_age": int64(3e9), "lifetime": int64(300e9), "lifetime_from": int64(1),
		"stale_while_revalidate": int64(60e9), "stale_if_error": int64(-1),
		"as_of": []any{
			[]any{[]byte{1, 2, 3, 15: 16}, int64(77)},
			[]any{[]byte{9, 15: 0}, uint64(1<<63 + 1)},
		},
		"tags": []any{[]any{"books", int64(0x0123456789abcdef)}, []any{"", int64(0)}},
		"vary": []any{"Accept", "Accept-Language"}, "selected": "text/html\x00de, en;q=0.5",
		"generation": int64(0x1122334455667788),
		"fields": []any{
			[]any{"Content-Type", []any{"text/html; charset=utf-8"}},
			[]any{"Link", []any{"</a>; rel=preload", "", "</b>; rel=preload"}},
			[]any{"X-Latin-1", []any{[]byte("caf\xe9")}}, // no UTF-8, so no string
			[]any{"X-None", []any{}},
		},
		"body": page().Body,
	}, normal(got))
}

// The documentation lists the keys, and in the order in which they are written.
func TestMessageKeysAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	pairs := message(t, page())[3:]
	rest := string(doc[bytes.Index(doc, []byte("# Layout of MessagePack")):])
	for len(pairs) > 0 {
		key, value, err := msgp.ReadStringBytes(pairs)
		require.NoError(t, err)
		pairs, err = msgp.Skip(value)
		require.NoError(t, err)
		if key == "holdover" || key == "crc32c" {
			continue
		}
		_, behind, found := strings.Cut(rest, "\n//\t"+key+" ")
		require.True(t, found, key)
		rest = behind
	}
}

// normal makes all numbers int64 where they fit: which sort is used doesn't matter.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = normal(v[key])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	}
	return v
}

// All messages begin with the same bytes, but for the number of pairs.
func TestMessageMagic(t *testing.T) {
	for _, r := range []store.Response{page(), varySpec(), {}} {
		value := message(t, r)
		require.Equal(t, "\xde\x00\x16\xa8holdover\x01", string(value[:13]))
		require.Equal(t, "\xa6crc32c\xce", string(value[len(value)-12:len(value)-4]))
		require.Equal(t, crc32.Checksum(value[:len(value)-12], castagnoli), binary.BigEndian.Uint32(value[len(value)-4:]))
	}
}

func TestMessageOfExtremes(t *testing.T) {
	r := page()
	r.Status, r.Flags, r.LifetimeFrom = 999, ^store.Flags(0), 255
	r.URLHash, r.Generation = math.MaxUint64, math.MaxUint64
	r.RequestTime, r.ResponseTime, r.StoreUntil = math.MinInt64, -1, math.MaxInt64
	r.InitialAge, r.Lifetime = math.MinInt64, math.MaxInt64
	r.Key = strings.Repeat("k", store.MaxKeyLen)
	r.Selected = strings.Repeat("\xff", 70_000)
	r.AsOf = slices.Repeat(r.AsOf, 8)
	r.Tags = make([]store.Tag, math.MaxUint16)
	r.Vary = slices.Repeat(r.Vary, 20_000)
	r.Fields = []store.Field{{Name: "\xff", Values: make([]string, math.MaxUint16)}, {Name: strings.Repeat("n", math.MaxUint16), Values: []string{}}}
	e := entry(t, r)
	got, err := codec.Default().Decode(message(t, r))
	require.NoError(t, err)
	require.True(t, bytes.Equal(e.Bytes(), got.Bytes()))
}

// foreign writes messages as a program in another language might.
type foreign struct {
	b     []byte
	pairs int
}

func write(pairs ...any) *foreign {
	f := &foreign{b: []byte("\xde\x00\x00\xa8holdover\x01"), pairs: 1}
	for i := 0; i < len(pairs); i += 2 {
		f.add(pairs[i].(string), pairs[i+1])
	}
	return f
}

func (f *foreign) add(key string, value any) {
	b, err := msgp.AppendIntf(msgp.AppendString(f.b, key), value)
	if err != nil {
		panic(err)
	}
	f.b = b
	f.pairs++
}

// end adds the last pair, which says nil in place of a checksum.
func (f *foreign) end() []byte {
	f.add("crc32c", nil)
	binary.BigEndian.PutUint16(f.b[1:], uint16(f.pairs))
	return f.b
}

type list = []any

func TestForeignMessages(t *testing.T) {
	deep := any("bottom")
	for range 10_000 {
		deep = list{deep}
	}
	bare := store.Response{Key: "k", Status: 200, Fields: []store.Field{}, Body: []byte{}, StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent}
	with := func(change func(r *store.Response)) store.Response {
		r := bare
		change(&r)
		return r
	}
	for _, c := range []struct {
		name  string
		value *foreign
		want  store.Response
	}{
		{"what is left out is nothing", write("key", "k", "status", 200), bare},
		{"another order", write("status", 200, "key", "k"), bare},
		{"more keys", write("x", 1, "key", "k", "", nil, "y", map[string]any{"key": list{"other", map[string]any{}}}, "status", 200, "z", deep), bare},
		{"other sorts of numbers", write("key", "k", "status", int64(200), "kind", uint64(0), "lifetime", uint64(7)), with(func(r *store.Response) { r.Lifetime = 7 })},
		{"binary for strings", write("key", []byte("k"), "status", 200, "vary", list{[]byte("Accept")}), with(func(r *store.Response) { r.Vary = []string{"Accept"} })},
		{"strings for binary", write("key", "k", "status", 200, "body", "hello"), with(func(r *store.Response) { r.Body = []byte("hello") })},
		{"fields", write("key", "k", "status", 200, "fields", list{list{"A", list{"1", "2"}}}), with(func(r *store.Response) { r.Fields = []store.Field{{Name: "A", Values: []string{"1", "2"}}} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := codec.Default().Decode(c.value.end())
			require.NoError(t, err)
			require.Equal(t, c.want, e.Response())
		})
	}
}

func TestForeignMessagesThatAreWrong(t *testing.T) {
	epoch := make([]byte, 16)
	for name, f := range map[string]*foreign{
		"a key twice":                   write("key", "k", "key", "k"),
		"a key that is no string":       write("key", "k", "status", 200, "x", 1),
		"a string for a number":         write("status", "200"),
		"nil for a number":              write("status", nil),
		"nil for a string":              write("key", nil),
		"nil for an array":              write("tags", nil),
		"a number for a string":         write("key", 1),
		"a negative status":             write("status", -1),
		"a status above 999":            write("status", 1000),
		"a status above 65535":          write("status", 1<<16+200),
		"an unknown kind":               write("kind", 2),
		"a kind above 255":              write("kind", 256),
		"flags above 32 bits":           write("flags", 1<<32),
		"a time above 63 bits":          write("store_until", uint64(1<<63)),
		"a key that is too long":        write("key", strings.Repeat("k", store.MaxKeyLen+1)),
		"too many positions":            write("as_of", slices.Repeat(list{list{epoch, 1}}, 17)),
		"a position without an epoch":   write("as_of", list{list{1}}),
		"a short epoch":                 write("as_of", list{list{epoch[:15], 1}}),
		"a long epoch":                  write("as_of", list{list{append(epoch, 0), 1}}),
		"a position of three":           write("as_of", list{list{epoch, 1, 1}}),
		"a tag that is a string":        write("tags", list{"books"}),
		"a tag without a hash":          write("tags", list{list{"books"}}),
		"too many tags":                 write("tags", slices.Repeat(list{list{"a", 1}}, 1<<16)),
		"a field without values":        write("fields", list{list{"A"}}),
		"a field with one value":        write("fields", list{list{"A", "1"}}),
		"a map of fields":               write("fields", map[string]any{"A": list{"1"}}),
		"a field name that is too long": write("fields", list{list{strings.Repeat("n", 1<<16), list{}}}),
	} {
		value := f.end()
		if name == "a key that is no string" {
			value[bytes.Index(value, []byte("\xa1x"))] = 0xc0
		}
		e, err := codec.Default().Decode(value)
		require.ErrorIs(t, err, store.ErrDamaged, name)
		require.NotErrorIs(t, err, store.ErrTooLarge, name)
		require.Nil(t, e, name)
	}
}

// A length that the input can't have costs nothing.
func TestMessagesThatSayTooMuch(t *testing.T) {
	c := codec.Default()
	for _, key := range []string{"key", "as_of", "tags", "vary", "selected", "fields", "body", "unknown"} {
		for _, header := range []string{"\xdc\xff\xff", "\xdd\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01"} {
			f := write()
			f.b = append(msgp.AppendString(f.b, key), header...)
			f.pairs++
			value := f.end()
			used := allocated(func() { requireDamaged(t, c, value, "%s %x", key, header) })
			require.Less(t, used, 64<<10, "%s %x", key, header)
		}
	}
}

// The last pair says where the value ends, and is not left out.
func TestMessageEnds(t *testing.T) {
	c := codec.Default()
	whole := write("key", "k", "status", 200).end()
	_, err := c.Decode(bytes.Clone(whole))
	require.NoError(t, err)

	short := bytes.Clone(whole[:len(whole)-8]) // without crc32c
	short[2]--
	requireDamaged(t, c, short, "the last pair is left out")

	inside := write("crc32c", nil, "key", "k")
	inside.pairs++
	requireDamaged(t, c, inside.end()[:len(inside.b)-8], "it isn't the last one")

	more := bytes.Clone(whole)
	more[2]++
	requireDamaged(t, c, more, "a pair is missing")
	fewer := bytes.Clone(whole)
	fewer[2]--
	requireDamaged(t, c, fewer, "a pair is not counted")
	none := bytes.Clone(whole)
	none[2] = 0
	requireDamaged(t, c, none, "none is counted")
}

func TestMessageOfAnotherFormat(t *testing.T) {
	value := message(t, page())
	for _, format := range []byte{0, 2, 127, 0xcc, 0xc0} {
		value[12] = format
		_, err := codec.Default().Decode(value)
		require.ErrorIs(t, err, store.ErrFormat)
		require.NotErrorIs(t, err, store.ErrDamaged, "a newer release may know it")
	}
}

// Errors end up in logs: they don't repeat what the value holds.
func TestErrorsQuoteNothing(t *testing.T) {
	for _, f := range []*foreign{
		write("key", "secret", "status", -77777), write("secret", 1, "secret", 1, "tags", "secret"),
		write("fields", list{list{"secret", "secret"}}), write("key", strings.Repeat("secret", 20_000)),
	} {
		_, err := codec.Default().Decode(f.end())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "77777")
	}
}
