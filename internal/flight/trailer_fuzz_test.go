// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var trailerName = regexp.MustCompile(`[^,\n]+`)

// A trailer holds what Trailer declares (RFC 9110 §6.6.2) and the handler set, and
// what the handler set with http.TrailerPrefix; and it shares no memory with either.
func FuzzTrailer(f *testing.F) {
	for _, s := range []string{"", "x-a", "X-A, x-b\nX-C", ",,x-a ,\t", "x-a, x-a", "x a", "trailer", "é", "\x00"} {
		f.Add(s, "X-A")
	}
	f.Add("", http.TrailerPrefix+"X")
	f.Add("trailer:X", http.TrailerPrefix+"X")
	f.Fuzz(func(t *testing.T, declared, name string) {
		h := http.Header{"X-A": {"1", "2"}, "X-Empty": {}, name: {"3"}}
		h["Trailer"] = strings.Split(declared, "\n")
		names := declaredTrailers(h)
		var want []string
		for _, member := range trailerName.FindAllString(declared, -1) {
			if member = strings.TrimSpace(member); member != "" {
				want = append(want, http.CanonicalHeaderKey(member))
			}
		}
		require.Equal(t, want, names)

		trailer := collectTrailer(h, names)
		require.True(t, trailer == nil || len(trailer) > 0)
		for key, values := range h {
			if len(values) > 0 && slices.Contains(names, key) || strings.HasPrefix(key, http.TrailerPrefix) {
				require.Equal(t, values, trailer[key])
				trailer[key][0] += "changed"
				require.NotEqual(t, values, trailer[key])
			} else {
				require.NotContains(t, trailer, key)
			}
		}
	})
}
