// SPDX-License-Identifier: MIT

package marks

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// Hashes stand in stored entries and in journals, so they are the same in all
// processes and releases: 64 bits of SHA-256 over a text whose first part says
// what it is, so that no tag can be made to look like a URL.
const (
	urlDomain = "holdover url\x00"
	tagDomain = "holdover tag\x00"
)

// URLHash returns the hash of a URL, given as the Host and the request target of
// a request for it. All spellings of a URL that httpfield.NormalizeTarget takes
// for equal have one hash; the scheme is no part of it.
func URLHash(host, requestURI string) uint64 {
	var buf [512]byte
	return sum(httpfield.NormalizeTarget(append(buf[:0], urlDomain...), host, requestURI))
}

// TagHash returns the hash of a tag. Tags are compared byte for byte (RFC 9875 §2).
func TagHash(tag string) uint64 {
	var buf [128]byte
	return sum(append(append(buf[:0], tagDomain...), tag...))
}

// sum never returns All, which would purge everything for one URL, nor one that purges nothing.
func sum(text []byte) uint64 {
	digest := sha256.Sum256(text)
	return min(binary.BigEndian.Uint64(digest[:]), store.PresenceHash-1)
}
