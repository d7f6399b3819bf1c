// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"slices"
	"strings"
)

// declaredTrailers returns the names in the field Trailer (RFC 9110 §6.6.2).
func declaredTrailers(h http.Header) (names []string) {
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	return names
}

// collectTrailer takes from the handler's header what it declared, or set with
// http.TrailerPrefix. nil means none.
func collectTrailer(h http.Header, declared []string) http.Header {
	trailer := http.Header{}
	for _, name := range declared {
		if values := h[name]; len(values) > 0 {
			trailer[name] = slices.Clone(values)
		}
	}
	for name, values := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			trailer[name] = slices.Clone(values)
		}
	}
	if len(trailer) == 0 {
		return nil
	}
	return trailer
}
