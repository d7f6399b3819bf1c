// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// judgeCacheStatus looks at the cache's own member of Cache-Status (RFC 9211 §2).
func judgeCacheStatus(cache string, want Want, h http.Header) (wrong []string) {
	params := member(cache, h)
	if params == nil {
		return []string{fmt.Sprintf("Cache-Status: want one member %s, got %q", cache, h["Cache-Status"])}
	}
	for _, expected := range append(want.By.status(), split(want.CacheStatus, ';')...) {
		if !satisfied(expected, params) {
			wrong = append(wrong, fmt.Sprintf("Cache-Status: want %q in %q", expected, h["Cache-Status"]))
		}
	}
	return wrong
}

// status are the parameters that follow from who answered (RFC 9211 §2.1, §2.2).
func (b By) status() []string {
	switch b {
	case Forwarded, Validated:
		return []string{"!hit", "fwd"}
	case Stored:
		return []string{"hit", "!fwd"}
	}
	return nil
}

// member returns the parameters of the one member of this name, never nil if it is there.
func member(cache string, h http.Header) (params []string) {
	found := 0
	for _, m := range split(joined(h["Cache-Status"]), ',') {
		if parts := split(m, ';'); parts[0] == cache {
			found++
			params = parts[1:]
		}
	}
	if found != 1 {
		return nil
	}
	return params
}

// satisfied checks one expectation: "hit", "fwd=miss", "!stored", "ttl=8..10"; a name alone
// stands for any value.
func satisfied(expected string, params []string) bool {
	if unwanted, not := strings.CutPrefix(expected, "!"); not {
		return !satisfied(unwanted, params)
	}
	name, value, valued := strings.Cut(expected, "=")
	return slices.ContainsFunc(params, func(p string) bool {
		n, v, _ := strings.Cut(p, "=")
		if n != name {
			return false
		}
		low, high, err := parseRange(value, "..")
		return !valued || v == value || err == nil && within(v, low, high)
	})
}

// split cuts a list outside of quoted strings and leaves out what is empty.
func split(text string, separator byte) (parts []string) {
	quoted, begin := false, 0
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			add(text[begin:i])
			begin = i + 1
		}
	}
	add(text[begin:])
	return parts
}
