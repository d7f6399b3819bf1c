// SPDX-License-Identifier: MIT

package httpfield

import "strings"

// ValidETag reports whether s is an entity-tag (RFC 9110 §8.8.3). Unlike in other
// strings, a backslash has no meaning in it.
func ValidETag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// IsWeak reports whether an entity-tag is weak (RFC 9110 §8.8.3).
func IsWeak(etag string) bool { return strings.HasPrefix(etag, "W/") }

// ETagMatch reports whether a condition names etag: If-None-Match by weak
// comparison (RFC 9110 §13.1.2), If-Match by strong (§13.1.1). The condition
// "*" matches whatever etag is, even none. It allocates nothing.
func ETagMatch(list []string, etag string, strong bool) bool {
	if len(list) == 1 && trim(list[0]) == "*" {
		return true
	}
	if etag == "" {
		return false
	}
	for _, line := range list {
		for line != "" {
			var tag string
			tag, line = nextETag(line)
			if sameETag(tag, etag, strong) {
				return true
			}
		}
	}
	return false
}

// sameETag compares by RFC 9110 §8.8.3.2.
func sameETag(a, b string, strong bool) bool {
	if strong {
		return a == b && !IsWeak(a)
	}
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// nextETag cuts the first member off a list. Commas inside quotes are part of a
// tag. Members without quotes end at the comma; they match only an ETag that the
// origin sent in the same broken form.
func nextETag(s string) (tag, rest string) {
	s = strings.TrimLeft(s, " \t,")
	from := 0
	if IsWeak(s) {
		from = 2
	}
	if len(s) > from && s[from] == '"' {
		if n := strings.IndexByte(s[from+1:], '"'); n >= 0 {
			from += n + 2
		}
	}
	n := strings.IndexByte(s[from:], ',')
	if n < 0 {
		return trim(s), ""
	}
	return trim(s[:from+n]), s[from+n+1:]
}
