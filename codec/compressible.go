// SPDX-License-Identifier: MIT

package codec

import (
	"slices"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// worthPacking reports whether an attempt to compress the body may pay.
func (c *codec) worthPacking(e *store.Entry) bool {
	n := e.BodyLen()
	if c.packing == store.Unpacked || n == 0 || n < c.MinBytes || n > c.MaxBody {
		return false
	}
	if coding, _ := e.Field("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return false
	}
	contentType, _ := e.Field("Content-Type")
	mediaType, _, _ := strings.Cut(contentType, ";")
	return c.Compressible(strings.ToLower(strings.TrimSpace(mediaType)))
}

// Compressible reports whether bodies of a media type usually become smaller: text of
// all sorts, and the few binary types that are not compressed in themselves. It
// expects lower case and no parameters.
func Compressible(mediaType string) bool {
	if strings.HasPrefix(mediaType, "text/") {
		return true
	}
	kind, subtype, _ := strings.Cut(mediaType, "/")
	suffix := subtype[strings.LastIndexByte(subtype, '+')+1:]
	return suffix != subtype && slices.Contains(compressibleSuffixes, suffix) ||
		slices.Contains(compressibleTypes[kind], subtype)
}

// compressibleSuffixes are those of "image/svg+xml", "application/ld+json" and others.
var compressibleSuffixes = []string{"json", "json-seq", "xml", "yaml", "cbor"}

var compressibleTypes = map[string][]string{
	"application": {
		"json", "json-seq", "jsonl", "x-ndjson", "xml", "xml-dtd", "yaml", "x-yaml", "toml",
		"javascript", "x-javascript", "ecmascript", "wasm", "graphql", "sql", "rtf",
		"x-www-form-urlencoded", "cbor", "protobuf", "x-protobuf", "vnd.google.protobuf",
		"vnd.mapbox-vector-tile", "vnd.apple.mpegurl", "x-mpegurl", "vnd.ms-fontobject", "x-font-ttf",
	},
	"font":  {"ttf", "otf", "collection", "sfnt"},
	"image": {"bmp", "x-ms-bmp", "x-icon", "vnd.microsoft.icon"},
}
