// SPDX-License-Identifier: MIT

package codec_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// sampleTime is an instant that tests and golden files share.
const sampleTime = 1_741_082_400_000_000_123

// page returns a response with all that one can have, and that compresses well.
func page() store.Response {
	return store.Response{
		Flags:   store.Public | store.Anonymous,
		Key:     "GET\x00https://example.com\x00/books?page=2",
		URLHash: 0xfedcba9876543210,
		Status:  200,
		Fields: []store.Field{
			{Name: "Content-Type", Values: []string{"text/html; charset=utf-8"}},
			{Name: "Link", Values: []string{"</a>; rel=preload", "", "</b>; rel=preload"}},
			{Name: "X-Latin-1", Values: []string{"caf\xe9"}},
			{Name: "X-None", Values: []string{}},
		},
		Body:         []byte("<!doctype html><title>Books</title>" + strings.Repeat("<p>A book and another\n", 100) + "\x00\xff"),
		RequestTime:  sampleTime,
		ResponseTime: sampleTime + 1e6,
		StoreUntil:   sampleTime + 1e15,
		InitialAge:   3 * time.Second, Lifetime: 5 * time.Minute, LifetimeFrom: store.SourceSMaxAge,
		StaleWhileRevalidate: time.Minute, StaleIfError: store.Absent,
		AsOf: []store.Position{{Epoch: [16]byte{1, 2, 3, 15: 16}, Seq: 77}, {Epoch: [16]byte{9}, Seq: 1<<63 + 1}},
		Tags: []store.Tag{{Name: "books", Hash: 0x0123456789abcdef}, {Name: "", Hash: 0}},
		Vary: []string{"Accept", "Accept-Language"}, Selected: "text/html\x00de, en;q=0.5",
		Generation: 0x1122334455667788,
	}
}

// varySpec returns what stands under the primary key of variants.
func varySpec() store.Response {
	return store.Response{
		Kind: store.KindVary, Key: page().Key, URLHash: page().URLHash,
		Fields: []store.Field{}, Body: []byte{},
		RequestTime: sampleTime, ResponseTime: sampleTime, StoreUntil: sampleTime + 1e15,
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
		Vary: []string{"Accept"}, Generation: 0x1122334455667788,
	}
}

// withBody returns the page with another body.
func withBody(body []byte) store.Response {
	r := page()
	r.Body = body
	return r
}

// listing returns n bytes of JSON such as an API gives.
func listing(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("harbour lantern granite meadow copper violet thunder paper window garden silver market")
	some := func(n int) string {
		s := make([]string, n)
		for i := range s {
			s[i] = words[rnd.IntN(len(words))]
		}
		return strings.Join(s, " ")
	}
	b := []byte("[")
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"name":%q,"description":%q,"price":%.2f,"updated":"2025-03-%02dT%02d:00:00Z","stock":%d},`,
			rnd.Uint32(), some(2), some(10), rnd.Float64()*1000, 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(500))
	}
	b[n-1] = ']'
	return b[:n]
}

// noise returns n bytes that nothing makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func entry(t testing.TB, r store.Response) *store.Entry {
	t.Helper()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}

func open(t testing.TB, cfg codec.Config) store.Codec {
	t.Helper()
	c, err := codec.New(cfg)
	require.NoError(t, err)
	return c
}

func encode(t testing.TB, c store.Codec, e *store.Entry) []byte {
	t.Helper()
	value, err := c.Encode(e)
	require.NoError(t, err)
	return value
}

// all are the ways of writing.
var all = map[string]codec.Config{
	"zstd":        {Compression: codec.Zstd},
	"brotli":      {Compression: codec.Brotli},
	"gzip":        {Compression: codec.Gzip},
	"plain":       {Compression: codec.None},
	"MessagePack": {Format: codec.MessagePack},
}

// packing are those that pack bodies, with the number that the format gives them.
var packing = map[string]store.Packing{"zstd": store.Zstd, "brotli": store.Brotli, "gzip": store.Gzip}

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// packingOf returns the byte of the format that says how the body is packed.
func packingOf(value []byte) store.Packing { return store.Packing(value[5]) }
