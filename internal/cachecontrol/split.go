// SPDX-License-Identifier: MIT

package cachecontrol

import "iter"

// directives yields the directives of all lines one by one, never empty.
//
// Directives are separated by commas (RFC 9111 §5.2). Blanks and semicolons
// separate too: no valid directive holds one outside of quotes, and a forgotten
// comma must not hide what follows it. Quotes end with their line, as a list
// may be broken into lines only between its members (RFC 9110 §5.3); in a line
// where they don't pair they mean nothing, so that they hide nothing either.
func directives(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			paired := quotesPair(line)
			for line != "" {
				end := directiveEnd(line, paired)
				if end > 0 && !yield(line[:end]) {
					return
				}
				line = line[min(end+1, len(line)):]
			}
		}
	}
}

// directiveEnd returns the index of the first separator, or len(s).
func directiveEnd(s string, quotes bool) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',', ';', ' ', '\t':
			return i
		case '"':
			if quotes {
				i = quoteEnd(s, i)
			}
		}
	}
	return len(s)
}

// quoteEnd returns the index of the quote that closes the one at i, or len(s).
func quoteEnd(s string, i int) int {
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i, len(s))
}

func quotesPair(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i = quoteEnd(s, i); i == len(s) {
			return false
		}
	}
	return true
}
