// SPDX-License-Identifier: MIT

// Package codec turns stored responses into smaller values, or into values that other
// languages read. Its codecs are for stores of bytes, such as Redis, memcached or SQL:
//
//	store.FromBytes(backend, store.BytesConfig{Codec: codec.Default()})
//
// [Default] compresses by Zstandard what is worth it. [New] offers Brotli, gzip, other
// thresholds, and MessagePack. A value says by itself what it is, and every codec of this
// package reads all of them, whatever it writes: so the processes of a fleet may change
// their codec one after the other. The codec [store.Plain] reads only what is
// uncompressed; the rest is a miss to it.
//
// # When to compress
//
// Where values cross a network or fill a server's memory. A store in the process's own
// memory is better off without: decompressing takes longer than all else that a hit
// costs. Compressed are bodies of [Config].MinBytes and more whose Content-Type is
// [Compressible] and that the origin sent without a content coding, where they become
// smaller by Config.MinSaving. Everything else is stored as it is, and costs nothing.
//
// How many times smaller values become that hold JSON such as an API gives, and the
// microseconds that it takes to encode and decode them, on one of two cores of a shared
// machine, in one run (medians of 4; go test -run '^$' -bench . ./codec):
//
//	                2 KiB              16 KiB              128 KiB
//	             ratio  enc  dec    ratio  enc  dec    ratio   enc  dec
//	Zstd          2.4    12    6     4.2    57   24     4.8    455  160
//	Gzip          2.4    20    7     4.2    65   33     4.9    639  404
//	Brotli        2.5    76   11     4.3   262   61     4.9   2086  523
//	None          1.0     0  0.3     1.0     0  0.8     1.0      0    5
//	MessagePack   0.9     4    3     1.0     6    7     1.0     32   51
//
// The algorithms alone, with memory of their own for the result, take as long to encode,
// and from 0.6 to 0.9 times as long to decode. Encoding takes two to four allocations, of
// which the value is one, and decoding two (Brotli: five), of which the entry is one.
// Zstandard and Brotli look back 256 KiB: larger windows take much memory and made 8 MiB
// of JSON less than 1 % smaller. Encoders are reused, and freed when none is needed.
//
// # Hostile values
//
// A backend may be damaged, or shared with others who can write to it. Whatever a value
// holds, decoding it ends with an entry or with an error that wraps [store.ErrFormat]. A
// value that claims to become longer than Config.MaxBody is refused before anything is
// allocated. Below that, decoding takes at most two and a half times the memory of the
// claim, and beside it what the decoder needs to work: up to 20 MiB for Brotli, less than
// 1 MiB for the others. It ends where there is more than the claim, however much
// would follow. MessagePack, which isn't compressed, takes memory in proportion to the
// value. A body is returned only where the checksums are right, nothing was missing and
// nothing was left.
//
// # Layout of compressed values
//
// A compressed value is an entry in the layout of package store whose sixth byte is not
// 0 and whose body is
//
//	size  content
//	   4  length of the body before it was packed, the lowest byte first
//	   …  the packed body
//
// and that, depending on the sixth byte,
//
//	1  one Zstandard frame (RFC 8878) with a checksum, without a dictionary; with the
//	   length of its content, unless that is below 256 bytes
//	2  the CRC-32C of the body in 4 bytes, the lowest first, and one Brotli stream
//	   (RFC 7932), which has no checksum of its own
//	3  one gzip member (RFC 1952)
//
// and nothing behind. The checksum of package store covers the packed body, the one of
// the algorithm what came out of it.
//
// # Layout of MessagePack values
//
// A value is one map. Its header is always of the type map 16, and the pair "holdover"
// comes first, so that every value begins with DE, two bytes that count the pairs, A8,
// "holdover", 01. The pair "crc32c" comes last. Between them stand, in any order,
//
//	key                     type
//	kind                    integer: 0 a response, 1 what selects among variants
//	flags                   integer: bits of store.Flags, the first is 1
//	status                  integer: 0 to 999
//	key                     text: the whole cache key
//	url_hash                integer: 64 bits, unsigned
//	request_time            integer: Unix time in nanoseconds, when the fetch began
//	response_time           integer: the same, when its header arrived
//	store_until             integer: the same, when stores must drop the entry
//	initial_age             integer: nanoseconds
//	lifetime                integer: nanoseconds
//	lifetime_from           integer: store.Source
//	stale_while_revalidate  integer: nanoseconds, -1 where the origin said nothing
//	stale_if_error          integer: the same
//	as_of                   array of arrays: 16 bytes epoch, integer (unsigned) sequence
//	tags                    array of arrays: text, integer (unsigned) hash
//	vary                    array of text: names of the selecting request fields
//	selected                text: their values
//	generation              integer: 64 bits, unsigned
//	fields                  array of arrays: text name, array of text values
//	body                    binary
//
// Text is a string where it is valid UTF-8 and binary where it isn't, since strings of
// MessagePack must be: the value of a header field may have any bytes. The names of
// fields are in canonical form. Bodies are never compressed in this format, beyond the
// content coding in which the origin sent them. In Python:
//
//	entry = msgpack.unpackb(value)
//	if entry["holdover"] == 1 and entry["kind"] == 0:
//	    print(entry["status"], dict(entry["fields"]).get("Content-Type"), len(entry["body"]))
//
// "holdover" is the number of the format, 1. A reader refuses another number, and passes
// over keys that it doesn't know: later releases may add some. "crc32c" is the CRC-32C
// of all bytes before its pair, written as uint 32. A reader may ignore it.
//
// A program that writes values ends them with "crc32c": nil, unless it computes the
// checksum; without that last pair a value counts as cut off. It writes the pairs in order,
// and the header as map 16, as libraries do by themselves from 16 pairs on. It may add
// keys of its own, use any type of integer, and strings for binary or binary for
// strings. No key above may stand there twice. What is left out is 0 or empty, and -1 in
// the two stale windows. Whoever changes a value sets "crc32c" to nil, too.
package codec
