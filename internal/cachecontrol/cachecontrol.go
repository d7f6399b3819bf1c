// SPDX-License-Identifier: MIT

// Package cachecontrol reads Cache-Control fields so that no error in one
// directive hides another.
//
// Each directive is parsed alone. What can't be understood is read in the most
// restrictive way that it could be meant in responses, and ignored in requests,
// where it could only serve to make a client's request special.
package cachecontrol

import (
	"slices"
	"strings"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// Absent is the value of a duration that was not given.
const Absent time.Duration = -1

// tighten lowers *d to v: of several values the most restrictive counts.
func tighten(d *time.Duration, v time.Duration) {
	if *d == Absent || v < *d {
		*d = v
	}
}

// seconds converts what the library parsed; it saturates at 2³¹−1 there, as
// RFC 9111 §1.2.2 allows.
func seconds(n cacheobject.DeltaSeconds) time.Duration {
	return time.Duration(n) * time.Second
}

// nameOf returns the directive's name in lower case (RFC 9111 §5.2: names are
// case-insensitive), without an argument.
func nameOf(directive string) string {
	end := 0
	for end < len(directive) && isNameByte(directive[end]) {
		end++
	}
	return strings.ToLower(directive[:end])
}

// argumentOf returns what stands behind a name and "=", without its quotes: a token or
// a quoted string up to the end (RFC 9111 §5.2). It reports false for anything else
// than that or nothing; the library stops reading at the first thing that is odd. A
// string with a quoted-pair or a tab is refused, too: nobody sends one, and the library
// understands some and some not.
func argumentOf(rest string) (string, bool) {
	if rest == "" {
		return "", true
	}
	text, found := strings.CutPrefix(rest, "=")
	if !found || text == "" {
		return "", false
	}
	if text[0] != '"' {
		return text, isName(text)
	}
	end := quoteEnd(text, 0)
	return text[1:end], end == len(text)-1 && !strings.ContainsAny(text, "\\\t")
}

// isSeconds reports whether the argument of a directive is a number (RFC 9111
// §1.2.2). The library takes one with more than 32 bits for a number whatever
// follows.
func isSeconds(rest string) bool {
	argument, ok := argumentOf(rest)
	return ok && argument != "" && strings.Trim(argument, "0123456789") == ""
}

// isNameByte reports whether c is a tchar (RFC 9110 §5.6.2).
func isNameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isName(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool { return !isNameByte(c) })
}
