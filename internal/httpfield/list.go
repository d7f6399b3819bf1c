// SPDX-License-Identifier: MIT

package httpfield

import (
	"iter"
	"strings"
)

// Tokens yields the members of a comma-separated list that may span several
// lines (RFC 9110 §5.6.1), without the blanks around them. Empty members are
// skipped; commas inside quotes don't separate.
func Tokens(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for line != "" {
				var member string
				member, line = nextMember(line)
				if member != "" && !yield(member) {
					return
				}
			}
		}
	}
}

// HasToken reports whether token is a member of the list, in whatever case and
// with whatever parameters (";" and what follows). It allocates nothing.
func HasToken(lines []string, token string) bool {
	for _, line := range lines {
		for line != "" {
			var member string
			member, line = nextMember(line)
			member, _, _ = strings.Cut(member, ";")
			if strings.EqualFold(trim(member), token) {
				return true
			}
		}
	}
	return false
}

// nextMember cuts s at its first comma outside of quotes.
func nextMember(s string) (member, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\': // RFC 9110 §5.6.4
			if quoted {
				i++
			}
		case ',':
			if !quoted {
				return trim(s[:i]), s[i+1:]
			}
		}
	}
	return trim(s), ""
}
