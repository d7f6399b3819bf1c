// SPDX-License-Identifier: MIT

package codec

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/holdover-go/holdover/store"
)

// pair is one pair of the MessagePack map: its key, and how its value is appended to b
// and read.
type pair struct {
	key  string
	put  func(b []byte, r *store.Response) []byte
	take func(in *reader, r *store.Response)
}

// layout has the pairs between the first and the last one, in the order in which they
// are written.
var layout = [...]pair{
	{"kind",
		func(b []byte, r *store.Response) []byte { return msgp.AppendUint8(b, uint8(r.Kind)) },
		func(in *reader, r *store.Response) { r.Kind = store.Kind(take(in, msgp.ReadUint8Bytes)) }},
	{"flags",
		func(b []byte, r *store.Response) []byte { return msgp.AppendUint32(b, uint32(r.Flags)) },
		func(in *reader, r *store.Response) { r.Flags = store.Flags(take(in, msgp.ReadUint32Bytes)) }},
	{"status",
		func(b []byte, r *store.Response) []byte { return msgp.AppendInt(b, r.Status) },
		func(in *reader, r *store.Response) { r.Status = int(take(in, msgp.ReadUint16Bytes)) }},
	text("key", func(r *store.Response) *string { return &r.Key }),
	unsigned("url_hash", func(r *store.Response) *uint64 { return &r.URLHash }),
	signed("request_time", func(r *store.Response) *int64 { return &r.RequestTime }),
	signed("response_time", func(r *store.Response) *int64 { return &r.ResponseTime }),
	signed("store_until", func(r *store.Response) *int64 { return &r.StoreUntil }),
	signed("initial_age", func(r *store.Response) *int64 { return (*int64)(&r.InitialAge) }),
	signed("lifetime", func(r *store.Response) *int64 { return (*int64)(&r.Lifetime) }),
	{"lifetime_from",
		func(b []byte, r *store.Response) []byte { return msgp.AppendUint8(b, uint8(r.LifetimeFrom)) },
		func(in *reader, r *store.Response) { r.LifetimeFrom = store.Source(take(in, msgp.ReadUint8Bytes)) }},
	signed("stale_while_revalidate", func(r *store.Response) *int64 { return (*int64)(&r.StaleWhileRevalidate) }),
	signed("stale_if_error", func(r *store.Response) *int64 { return (*int64)(&r.StaleIfError) }),
	{"as_of",
		func(b []byte, r *store.Response) []byte { return appendList(b, r.AsOf, appendPosition) },
		func(in *reader, r *store.Response) { r.AsOf = list(in, (*reader).position) }},
	{"tags",
		func(b []byte, r *store.Response) []byte { return appendList(b, r.Tags, appendTag) },
		func(in *reader, r *store.Response) { r.Tags = list(in, (*reader).tag) }},
	{"vary",
		func(b []byte, r *store.Response) []byte { return appendList(b, r.Vary, appendText) },
		func(in *reader, r *store.Response) { r.Vary = list(in, (*reader).text) }},
	text("selected", func(r *store.Response) *string { return &r.Selected }),
	unsigned("generation", func(r *store.Response) *uint64 { return &r.Generation }),
	{"fields",
		func(b []byte, r *store.Response) []byte { return appendList(b, r.Fields, appendField) },
		func(in *reader, r *store.Response) { r.Fields = list(in, (*reader).field) }},
	{"body",
		func(b []byte, r *store.Response) []byte { return msgp.AppendBytes(b, r.Body) },
		func(in *reader, r *store.Response) { r.Body = in.bytes() }},
}

func signed(key string, at func(*store.Response) *int64) pair {
	return pair{key,
		func(b []byte, r *store.Response) []byte { return msgp.AppendInt64(b, *at(r)) },
		func(in *reader, r *store.Response) { *at(r) = take(in, msgp.ReadInt64Bytes) }}
}

func unsigned(key string, at func(*store.Response) *uint64) pair {
	return pair{key,
		func(b []byte, r *store.Response) []byte { return msgp.AppendUint64(b, *at(r)) },
		func(in *reader, r *store.Response) { *at(r) = take(in, msgp.ReadUint64Bytes) }}
}

func text(key string, at func(*store.Response) *string) pair {
	return pair{key,
		func(b []byte, r *store.Response) []byte { return appendText(b, *at(r)) },
		func(in *reader, r *store.Response) { *at(r) = in.text() }}
}
