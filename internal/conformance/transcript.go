// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// transcript tells all that was sent, for who reads a failure.
func (p *performance) transcript() string {
	var b strings.Builder
	fmt.Fprintf(&b, "what happened over %s:", p.tr)
	for i, turns := range p.turns {
		for _, t := range turns {
			fmt.Fprintf(&b, "\n  step %d  %s %s  %s", i+1, t.request.method(), t.request.target(), strings.Join(t.request.Header, " | "))
		}
		for _, c := range p.origin.seen(i + 1) {
			fmt.Fprintf(&b, "\n    origin saw %s %s%s  %s", c.method, c.host, c.target, fields(c.header))
			fmt.Fprintf(&b, "\n    and said   %d %s", c.status(), strings.Join(c.answer.Header, " | "))
		}
		for _, t := range turns {
			fmt.Fprintf(&b, "\n    client got %d %s  %q", t.got.status, fields(t.got.header), brief(t.got.body))
			if t.got.err != nil {
				fmt.Fprintf(&b, "  (%v)", t.got.err)
			}
		}
	}
	return b.String()
}

func fields(h http.Header) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lines = append(lines, name+": "+joined(h[name]))
	}
	return strings.Join(lines, " | ")
}
