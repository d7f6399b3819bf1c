// SPDX-License-Identifier: MIT

package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// sampleTime is an instant that tests and golden files share.
const sampleTime = 1_741_082_400_000_000_123

// page returns a response with all that one can have but variants.
func page() store.Response {
	return store.Response{
		Kind:    store.KindResponse,
		Flags:   store.Public | store.Anonymous,
		Key:     "GET\x00https://example.com\x00/books?page=2",
		URLHash: 0xfedcba9876543210,
		Status:  200,
		Fields: []store.Field{
			{Name: "Content-Type", Values: []string{"text/html; charset=utf-8"}},
			{Name: "Link", Values: []string{"</a>; rel=preload", "", "</b>; rel=preload"}},
			{Name: "X-None", Values: []string{}},
		},
		Body:         []byte("<!doctype html><title>Books</title>\x00\xff"),
		RequestTime:  sampleTime,
		ResponseTime: sampleTime + 1e6,
		StoreUntil:   sampleTime + 1e15,
		InitialAge:   3 * time.Second, Lifetime: 5 * time.Minute, LifetimeFrom: store.SourceSMaxAge,
		StaleWhileRevalidate: time.Minute, StaleIfError: store.Absent,
		AsOf: []store.Position{{Epoch: [16]byte{1, 2, 3, 15: 16}, Seq: 77}, {Epoch: [16]byte{9}, Seq: 1 << 60}},
		Tags: []store.Tag{{Name: "books", Hash: 0x0123456789abcdef}, {Name: "", Hash: 0}},
	}
}

// variant returns a response that other request fields would not have got.
func variant() store.Response {
	r := page()
	r.Flags = store.NoCache | store.Authorized
	r.Key += "\x00variant 7"
	r.Vary, r.Selected = []string{"Accept", "Accept-Language"}, "text/html\x00de, en;q=0.5"
	r.Generation = 0x1122334455667788
	return r
}

// varySpec returns what stands under the primary key of variants.
func varySpec() store.Response {
	return store.Response{
		Kind: store.KindVary, Key: page().Key, URLHash: page().URLHash,
		Fields: []store.Field{}, Body: []byte{},
		RequestTime: sampleTime, ResponseTime: sampleTime, StoreUntil: sampleTime + 1e15,
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
		Vary: []string{"Accept", "Accept-Language"}, Generation: 0x1122334455667788,
	}
}

func encode(t testing.TB, r store.Response) *store.Entry {
	t.Helper()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}
