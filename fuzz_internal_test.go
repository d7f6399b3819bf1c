// SPDX-License-Identifier: MIT

package holdover

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
)

var (
	// A string of Structured Fields with what may follow it (RFC 9651 §3.3.3 and §3.1.2).
	groupText   = regexp.MustCompile(`^[ \t]*"((?:[ !#-\[\]-~]|\\["\\])*)"[ \t]*(?:;[^,"]*)?$`)
	quotedGroup = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	groupMember = regexp.MustCompile(`(?:"(?:[^"\\]|\\.)*"|[^,"])+`)
	groupEscape = regexp.MustCompile(`\\(.)`)
)

// The groups of a response are the strings that Cache-Groups lists (RFC 9875 §2), each
// once. What is no string gives a name all the same: a purge too many does no harm.
func FuzzCacheGroups(f *testing.F) {
	for _, s := range []string{
		`"a"`, `"a", "b";x=1` + "\n" + `"c"`, `"a\"b\\c"`, `"a, b"`, `""`, `"a","a"`, "token", `"a`, `"a\`, `"\`, `"a"b`, `a"b"`, ", ,", "é", `"é"`, `("a" "b")`, `"a" ;q, "b"`,
		strings.Repeat(`"x",`, 2000), `"` + strings.Repeat("x", maxTagLen+1) + `"`,
	} {
		f.Add(s)
	}
	p := compiled(f, Policy{})
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		tags, over := p.tagsOf(nil, "H.example", http.StatusOK, http.Header{"Cache-Groups": lines})
		var names []string
		atHost, wantAtHost := map[uint64]bool{}, map[uint64]bool{}
		for _, tag := range tags {
			if tag.Name == "" {
				atHost[tag.Hash] = true
				continue
			}
			require.LessOrEqual(t, len(tag.Name), maxTagLen)
			require.Equal(t, marks.TagHash(tag.Name), tag.Hash)
			names = append(names, tag.Name)
			wantAtHost[groupHash("h.example", tag.Name)] = true
		}
		if !over {
			require.Equal(t, wantAtHost, atHost, "the group of this origin (RFC 9875 §2.1)")
		}
		require.LessOrEqual(t, len(names), maxTags)
		require.True(t, slices.IsSorted(names))
		require.Equal(t, slices.Compact(slices.Clone(names)), names)
		if want, valid := groupsIn(lines); valid && !over {
			require.Equal(t, want, names)
		}
	})
}

// groupsIn reads lists of strings only.
func groupsIn(lines []string) (names []string, valid bool) {
	found := map[string]bool{}
	for _, line := range lines {
		if strings.Contains(quotedGroup.ReplaceAllString(line, ""), `"`) {
			return nil, false
		}
		for _, member := range groupMember.FindAllString(line, -1) {
			m := groupText.FindStringSubmatch(member)
			if m == nil {
				return nil, false
			}
			found[groupEscape.ReplaceAllString(m[1], "$1")] = true
		}
	}
	delete(found, "")
	return slices.Sorted(maps.Keys(found)), true
}

// Whatever the handler may read of a cookie is in the key: requests whose cookies
// net/http reads differently have different texts.
func FuzzCookieText(f *testing.F) {
	for _, s := range [][2]string{
		{"theme=dark", "theme=light"}, {"theme=dark", ""}, {"theme =dark", ""}, {"theme", ""}, {"theme=", "theme=\"\""}, {" theme=dark", "x=1; theme=dark"}, {"theme=a; theme=b", "theme=ab"},
		{"theme=a\ntheme=b", "theme=b\ntheme=a"}, {"theme=a;theme=b", "theme=1:a1:b"}, {"x=theme=dark", "\ttheme\t=\tdark"}, {"theme==", "theme=\""}, {";;=;theme", "Theme=1"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, field, other string) {
		read := func(field string) (text string, values []string) {
			lines := strings.Split(field, "\n")
			r := http.Request{Header: http.Header{"Cookie": lines}}
			for _, cookie := range r.CookiesNamed("theme") {
				values = append(values, cookie.Value)
			}
			return cookieText(lines, "theme"), values
		}
		if strings.ContainsRune(field+other, '\r') { // refused by servers (RFC 9110 §5.5)
			return
		}
		text, values := read(field)
		otherText, otherValues := read(other)
		if text == otherText {
			require.Equal(t, values, otherValues)
		}
	})
}

// Of a credential in the query nothing is left but its digest, wherever url.ParseQuery
// finds it; all else stays as it is.
func FuzzHideCredential(f *testing.F) {
	for _, s := range []string{
		"/", "/?", "/?key=secret", "/a?x=1&key=secret&y=2", "/?key=secret&key=other", "/?%6bey=secret", "/?key", "/?key=", "/?k+ey=1", "/?&&", "/?key=a=b", "/?%zz=1&key=1", "/?a?key=1", "*", "/?key;a=1",
		"/?key=%zz",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		hidden := hideCredential(target, "key")
		path, query, _ := strings.Cut(target, "?")
		require.True(t, strings.HasPrefix(hidden, path))
		_, hiddenQuery, _ := strings.Cut(hidden, "?")
		before, after := strings.Split(query, "&"), strings.Split(hiddenQuery, "&")
		require.Len(t, after, len(before))
		for i, pair := range before {
			name, value, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(name); err == nil && plain == "key" {
				require.Equal(t, name+"="+digest(value), after[i])
			} else {
				require.Equal(t, pair, after[i])
			}
		}
		values, _ := url.ParseQuery(hiddenQuery)
		for _, value := range values["key"] {
			require.Len(t, value, len(digest("")))
		}
	})
}

// A purge by URL addresses what a client gets that asks for this URL.
func FuzzRawTarget(f *testing.F) {
	for _, s := range []string{
		"http://h", "http://h/", "https://h/a?b#c", "http://h?b", "http://h#/a", "http://u:p@h:80/a", "http://h/%41%2f", "http://h/a b", "http://h//a", "http://[::1]/a?x=/y?z", "HTTP://H/A", "http://h/?#", "http://h/%C3%BC/ü",
		"http://h/a?b=http://x/y", "http://h/*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		if u.RawPath != "" && u.RawPath != u.EscapedPath() {
			return // no URL by RFC 3986 §3.3: clients differ in what they make of it
		}
		require.Equal(t, marks.URLHash(u.Host, u.RequestURI()), marks.URLHash(u.Host, rawTarget(address)))
	})
}
