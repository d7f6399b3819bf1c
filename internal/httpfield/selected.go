// SPDX-License-Identifier: MIT

package httpfield

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"
)

const (
	fieldAbsent  = 0
	fieldPresent = 1
	fieldList    = 2 // present, and normalised as if it were a list
)

// Syntax is what is assumed of fields that are not known.
type Syntax bool

const (
	// Strict assumes nothing: only blanks around the whole value don't count.
	Strict Syntax = false
	// Lists assumes that commas outside of quotes separate the members of a list, so
	// that blanks around them don't count either (RFC 9110 §5.6.1).
	Lists Syntax = true
)

// AppendSelected appends the canonical text of the selecting request fields'
// values (RFC 9111 §4.1) to dst. Two requests get the same text for the same
// names if and only if their fields match: for each name, in the given order,
// absent or present with the length and the normalised value.
//
// Lines of one field are joined. Accept-Encoding, Accept-Language and
// Accept-Charset are normalised for case, for blanks and for the order among
// members of equal weight; Accept for the case of its media ranges and for
// blanks (servers prefer what comes first); all others as unknown says. Texts of fields
// that were normalised by different assumptions never equal.
// host stands for the Host field, which net/http keeps outside of h; empty means
// absent. It allocates nothing if dst has room.
func AppendSelected(dst []byte, names []string, h http.Header, host string, unknown Syntax) []byte {
	for _, name := range names {
		lines := h[name]
		isHost := name == "Host"
		if isHost && host == "" || !isHost && len(lines) == 0 {
			dst = append(dst, fieldAbsent)
			continue
		}
		dst = append(dst, fieldPresent, 0, 0, 0, 0)
		start := len(dst)
		if isHost {
			dst = append(dst, host...)
		} else {
			var asList bool
			if dst, asList = appendValue(dst, name, lines, unknown); asList {
				dst[start-5] = fieldList
			}
		}
		binary.BigEndian.PutUint32(dst[start-4:], uint32(len(dst)-start))
	}
	return dst
}

// appendValue appends the normalised value, and reports whether it was taken for a list
// by assumption.
func appendValue(dst []byte, name string, lines []string, unknown Syntax) (text []byte, asList bool) {
	start := len(dst)
	switch name {
	case "Accept-Encoding", "Accept-Language", "Accept-Charset":
		if known := commonList(lines); known != "" {
			return append(dst, known...), false
		}
		if !hasQuote(lines) {
			dst = appendMembers(dst, lines, foldAll)
			sortEqualWeights(dst[start:])
			return dst, false
		}
	case "Accept":
		if !hasQuote(lines) {
			return appendMembers(dst, lines, foldNames), false
		}
	case "Authorization", "Cookie", "Proxy-Authorization": // credentials are never stored
		dst = appendLines(dst, lines)
		sum := sha256.Sum256(dst[start:])
		return append(dst[:start], sum[:16]...), false
	case "User-Agent": // is no list, and holds commas in comments
	default:
		if unknown == Lists && !hasQuote(lines) {
			return appendMembers(dst, lines, foldNothing), true
		}
	}
	return appendLines(dst, lines), false
}

// appendLines joins lines (RFC 9110 §5.3).
func appendLines(dst []byte, lines []string) []byte {
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, trim(line)...)
	}
	return dst
}

// commonList knows the results for the values that browsers and libraries send
// with nearly every request: on a hit, sorting would cost as much as all the
// rest. It returns "" for other values.
func commonList(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	switch lines[0] {
	case "gzip":
		return "gzip"
	case "gzip, deflate":
		return "deflate,gzip"
	case "gzip, deflate, br":
		return "br,deflate,gzip"
	case "gzip, deflate, br, zstd":
		return "br,deflate,gzip,zstd"
	}
	return ""
}

// hasQuote finds the values whose blanks and commas may be part of a string.
func hasQuote(lines []string) bool {
	for _, line := range lines {
		if strings.IndexByte(line, '"') >= 0 {
			return true
		}
	}
	return false
}

// folding is which part of a list's members is put in lower case.
type folding uint8

const (
	foldNothing folding = iota // nor are blanks around ";" or empty members left out
	foldNames                  // up to the ";": parameters may tell upper from lower case
	foldAll
)

// appendMembers appends the members of a list without the blanks around "," and
// ";" (RFC 9110 §12.4.2) and, unless nothing is known of the field, without empty ones.
func appendMembers(dst []byte, lines []string, fold folding) []byte {
	start := len(dst)
	for _, line := range lines {
		dst = append(dst, line...)
		dst = append(dst, ',')
	}
	list := dst[start:]
	return dst[:start+compact(list, fold)]
}

// compact normalises list in place and returns its new length. A list must end
// with a comma.
func compact(list []byte, fold folding) int {
	n, lowering := 0, fold != foldNothing
	for _, c := range list {
		switch {
		case c == ' ' || c == '\t':
			if n == 0 || list[n-1] == ',' || list[n-1] == ';' && fold != foldNothing {
				continue
			}
		case c == ',':
			n = trimEnd(list, n)
			lowering = fold != foldNothing
			if fold != foldNothing && (n == 0 || list[n-1] == ',') {
				continue
			}
		case c == ';' && fold != foldNothing:
			n = trimEnd(list, n)
			lowering = fold == foldAll
		case lowering:
			c = lower(c)
		}
		list[n] = c
		n++
	}
	return max(0, n-1) // without the last comma
}

// trimEnd returns n less the blanks that list[:n] ends with.
func trimEnd(list []byte, n int) int {
	for n > 0 && (list[n-1] == ' ' || list[n-1] == '\t') {
		n--
	}
	return n
}

// Longer lists keep their order, which costs a variant and nothing else.
const (
	maxSortBytes   = 256
	maxSortMembers = 16
)

// weighted is a member by its place in the list: positions, not slices, which
// would make the arrays below escape to the heap.
type weighted struct{ from, to, weight int16 }

// sortEqualWeights orders the members of each weight among the places that they
// hold, so that no member changes places with one of another weight.
func sortEqualWeights(list []byte) {
	if len(list) > maxSortBytes {
		return
	}
	var room [maxSortMembers]weighted
	n, ok := splitWeighted(&room, list)
	if !ok || !sortWeighted(room[:n], list) {
		return
	}
	var scratch [maxSortBytes]byte
	copy(scratch[:], list)
	list = list[:0]
	for i, m := range room[:n] {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, scratch[m.from:m.to]...)
	}
}

// splitWeighted reports false if the list has too many members or a weight that
// can't be read.
func splitWeighted(members *[maxSortMembers]weighted, list []byte) (n int, ok bool) {
	from, params := 0, -1
	for i := 0; i <= len(list); i++ {
		if i < len(list) && list[i] != ',' {
			if list[i] == ';' && params < 0 {
				params = i
			}
			continue
		}
		weight := 1000
		if params >= 0 {
			if weight, ok = parseWeight(list[params:i]); !ok {
				return 0, false
			}
		}
		if n == maxSortMembers {
			return 0, false
		}
		members[n] = weighted{int16(from), int16(i), int16(weight)}
		n++
		from, params = i+1, -1
	}
	return n, true
}

func sortWeighted(m []weighted, list []byte) (moved bool) {
	for i := range m {
		for j := i + 1; j < len(m); j++ {
			if m[i].weight == m[j].weight && string(list[m[j].from:m[j].to]) < string(list[m[i].from:m[i].to]) {
				m[i], m[j] = m[j], m[i]
				moved = true
			}
		}
	}
	return moved
}

// parseWeight reads ";q=" and a weight in thousandths (RFC 9110 §12.4.2); the
// lists that are sorted here know no other parameter.
func parseWeight(s []byte) (int, bool) {
	if len(s) < 4 || len(s) > 8 || string(s[:3]) != ";q=" || s[3] != '0' && s[3] != '1' {
		return 0, false
	}
	w, unit := int(s[3]-'0')*1000, 100
	for i, c := range s[4:] {
		if i == 0 {
			if c != '.' {
				return 0, false
			}
			continue
		}
		if !isDigit(c) {
			return 0, false
		}
		w += int(c-'0') * unit
		unit /= 10
	}
	return w, w <= 1000
}
