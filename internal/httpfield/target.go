// SPDX-License-Identifier: MIT

package httpfield

import "strings"

// NormalizeTarget appends the form of a URL by which purges address it: two
// spellings that RFC 9110 §4.2.3 calls equivalent get the same text. The host is
// in lower case, without the default ports 80 and 443 (the scheme is no part);
// of an absolute-form request target only path and query count; an empty path is
// "/"; a fragment is dropped. Percent-encoded unreserved characters are decoded,
// other encodings get upper-case digits, and bytes that no URL may hold are
// encoded. The query keeps its order; dot segments stay, as an origin may tell
// such URLs apart.
func NormalizeTarget(dst []byte, host, requestURI string) []byte {
	dst = appendLower(dst, dropDefaultPort(host))
	target, _, _ := strings.Cut(requestURI, "#")
	target = dropAuthority(target)
	if target == "*" { // asterisk-form, RFC 9112 §3.2.4
		return append(dst, '*')
	}
	if !strings.HasPrefix(target, "/") {
		dst = append(dst, '/')
	}
	for i := 0; i < len(target); {
		n := 1
		if c, ok := unhex(target[i:]); ok {
			dst, n = appendEncoded(dst, c), 3
		} else if isURLByte(target[i]) {
			dst = append(dst, target[i])
		} else {
			dst = appendPercent(dst, target[i])
		}
		i += n
	}
	return dst
}

func dropDefaultPort(host string) string {
	for _, port := range [...]string{":80", ":443", ":"} {
		if rest, ok := strings.CutSuffix(host, port); ok && !strings.HasSuffix(rest, ":") {
			return rest
		}
	}
	return host
}

// dropAuthority reduces the absolute form (RFC 9112 §3.2.2) to path and query.
func dropAuthority(target string) string {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || scheme == "" || strings.ContainsAny(scheme, "/?") {
		return target
	}
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		return rest[at:]
	}
	return ""
}

// appendEncoded decodes c where it is unreserved (RFC 3986 §6.2.2.2).
func appendEncoded(dst []byte, c byte) []byte {
	if isAlnum(c) || strings.IndexByte("-._~", c) >= 0 {
		return append(dst, c)
	}
	return appendPercent(dst, c)
}

func appendPercent(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '%', hex[c>>4], hex[c&15])
}

// unhex reads "%xx" at the start of s.
func unhex(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok := hexDigit(s[1])
	low, valid := hexDigit(s[2])
	return high<<4 | low, ok && valid
}

func hexDigit(c byte) (byte, bool) {
	switch c = lower(c); {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// isURLByte: the characters of RFC 3986 §2. A "%" that encodes nothing isn't one.
func isURLByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("-._~:/?#[]@!$&'()*+,;=", c) >= 0
}
