// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// blanks fills in what stands in braces in Lines.
type blanks struct {
	start time.Time
	base  string // scheme and host
}

var date = regexp.MustCompile(`\{(now|start)([+-][0-9.a-z]+)?(?:\|([a-z0-9]+))?\}`)

// layouts are the formats of RFC 9110 §5.6.7.
var layouts = map[string]string{
	"":        http.TimeFormat,
	"rfc850":  "Monday, 02-Jan-06 15:04:05 GMT",
	"asctime": time.ANSIC,
}

func (b blanks) expand(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	text = strings.ReplaceAll(text, "{base}", b.base)
	return date.ReplaceAllStringFunc(text, func(found string) string {
		parts := date.FindStringSubmatch(found)
		at := b.start
		if parts[1] == "now" {
			at = time.Now()
		}
		offset, err := time.ParseDuration(parts[2])
		layout, known := layouts[parts[3]]
		if !known || err != nil && parts[2] != "" {
			return found
		}
		return at.Add(offset).UTC().Format(layout)
	})
}

// set puts lines into a header.
func (b blanks) set(h http.Header, lines Lines) {
	for _, line := range lines {
		name, value, valued := strings.Cut(line, ":")
		if !valued {
			h[http.CanonicalHeaderKey(name)] = nil
			continue
		}
		h.Add(name, strings.TrimSpace(b.expand(value)))
	}
}
