// SPDX-License-Identifier: MIT

package httpfield

import (
	"net/http"
	"slices"
	"strings"
)

// VaryNames returns the names that the lines of Vary list (RFC 9110 §12.5.5),
// canonical, sorted and without duplicates. If "*" is among them, or a member
// that can't be a name, no later request is known to match: any is then true
// and names is nil.
func VaryNames(lines []string) (names []string, any bool) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = trim(name)
			switch {
			case name == "":
			case name == "*", !isToken(name):
				return nil, true
			default:
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), false
}
