// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"
	"strconv"
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
func (p *rules) tagsOf(r *http.Request, host string, status int, h http.Header) (tags []store.Tag, over bool) {
	groups := groupsOf(h["Cache-Groups"])
	names := slices.Clone(groups)
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
	for _, group := range groups {
		tags = append(tags, store.Tag{Hash: groupHash(host, group)})
	}
	return tags, len(tags) > 2*maxTags
}

// groupsOf reads Cache-Groups or Cache-Group-Invalidation (RFC 9875), which are lists.
func groupsOf(lines []string) (groups []string) {
	for member := range httpfield.Tokens(lines) {
		if name := groupName(member); name != "" {
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// groupHash is how an origin's own response addresses a group: groups with the same name
// at another origin are others (RFC 9875 §2.1). A purge by tag means all of them.
func groupHash(host, group string) uint64 {
	origin := strconv.FormatUint(marks.URLHash(host, "/"), 16) // however the host is spelled
	return marks.TagHash(origin + "\x00" + group)
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
