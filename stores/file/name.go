// SPDX-License-Identifier: MIT

package file

import (
	"encoding/hex"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// hash is store.HashKey of a key: all that the store knows of keys outside the files.
type hash [16]byte

const (
	numParts = 256 // subfolders, each for the keys whose hash has the same first byte
	tempName = "tmp"
	tempEnd  = ".new"
	tagLen   = 13 // what tells the temporary files of one store from those of another
)

func hashOf(key string) hash { return store.HashKey(key) }

// name returns the name of the entry's file in its part.
func (h hash) name() string {
	var b [2 * len(hash{})]byte
	return string(hex.AppendEncode(b[:0], h[:]))
}

func (h hash) part() int { return int(h[0]) }

// partName returns the name of a subfolder: "00" to "ff".
func partName(i int) string { return hex.EncodeToString([]byte{byte(i)}) }

// parseName returns the hash that a file in the i-th part is named after, and false for
// every name that this store doesn't give there.
func parseName(i int, name string) (h hash, ours bool) {
	if len(name) != hex.EncodedLen(len(h)) || strings.ContainsAny(name, "ABCDEF") {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(name))
	return h, err == nil && h.part() == i
}

// isTemp reports whether a store names its temporary files so.
func isTemp(name string) bool {
	tag, rest, found := strings.Cut(name, "-")
	number, ends := strings.CutSuffix(rest, tempEnd)
	return found && ends && len(tag) == tagLen && number != "" &&
		strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" && strings.Trim(number, "0123456789") == ""
}
