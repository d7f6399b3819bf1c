// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"
	"strings"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// Bounds on what a response can say about itself: RFC 9875 §2.1 asks for at least 32
// groups of 32 characters.
const (
	maxTags   = 1024
	maxTagLen = 1024
)

// tagsOf collects the cache groups of a response. over says that they exceed the bounds:
// to leave some out would be to promise a purge that misses the response.
func (p *rules) tagsOf(r *http.Request, status int, h http.Header) (tags []store.Tag, over bool) {
	var names []string
	for member := range httpfield.Tokens(h["Cache-Groups"]) {
		names = append(names, groupName(member))
	}
	for _, field := range p.tagFields {
		for _, line := range h[field] {
			names = append(names, strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == ',' || c == '\t' })...)
		}
	}
	if p.Tags != nil {
		names = append(names, p.Tags(r, status, h)...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		switch {
		case name == "":
		case len(name) > maxTagLen || len(tags) == maxTags:
			return tags, true
		default:
			tags = append(tags, store.Tag{Name: name, Hash: marks.TagHash(name)})
		}
	}
	return tags, false
}

// groupName reads a member of Cache-Groups (RFC 9875 §2): a string of Structured
// Fields (RFC 9651 §3.3.3), without its parameters.
func groupName(member string) string {
	text, quoted := strings.CutPrefix(member, `"`)
	if !quoted {
		return member
	}
	var name strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return name.String()
		case c == '\\' && i+1 < len(text):
			i++
			name.WriteByte(text[i])
		default:
			name.WriteByte(c)
		}
	}
	return name.String()
}
