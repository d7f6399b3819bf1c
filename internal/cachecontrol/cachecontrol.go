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
