// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The grammar of a dictionary (RFC 8941 §3.2), which is regular: inner lists don't
// nest. The bytes of a byte sequence are looked at in readMembers.
const (
	sfKey     = `[a-z*][a-z0-9_.*-]*`
	sfNumber  = `-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})`
	sfText    = `"(?:[ !#-\[\]-~]|\\["\\])*"`
	sfWord    = "[A-Za-z*][!#$%&'*+\\-.^_`|~0-9A-Za-z:/]*"
	sfBinary  = `:[A-Za-z0-9+/]*=*:`
	sfTruth   = `\?[01]`
	sfBare    = `(?:` + sfNumber + `|` + sfText + `|` + sfWord + `|` + sfBinary + `|` + sfTruth + `)`
	sfParams  = `(?:; *` + sfKey + `(?:=` + sfBare + `)?)*`
	sfInner   = `\( *(?:` + sfBare + sfParams + `(?: +` + sfBare + sfParams + `)* *)?\)`
	sfMembers = `^(` + sfKey + `)(?:=(` + sfBare + `|` + sfInner + `))?(` + sfParams + `)`
)

var (
	oneMember = regexp.MustCompile(sfMembers)
	texts     = regexp.MustCompile(sfText + `|` + sfWord + `|` + sfBinary)
)

var dictionarySeeds = []string{
	"", " ", "max-age=60", "max-age=60, no-store", "a=1,\tb=2 ,c", "a, a=1", "a=?0, b=?1", "a;x;y=1;  z=\"q\"", "a=(1 2.5 tok \"s\";p :aGk=:);q, b",
	`private="x-a, x-b", no-cache=tok`, `a="\"\\"`, "a=-0", "a=999999999999999", "a=-999999999999999", "a=123456789012.123", "*a=*b/c:d", "a=:aGk:", "a=::",
	"a=()", "a=( )", "a=( 1 )", "a=(1  2)",
	// what fails as a whole
	"MaX-aGe=60", "max-age=60, &&&&&", "max-age =60", "max-age= 60", "a,", ",", "a b", "a=", "a=1234567890123456", "a=1.", "a=1.2345", "a=1234567890123.1", "a=-", `a="x`,
	`a="\x"`, `a="\`, "a=(", "a=(b", `a=("b"c)`, "a=(b;)", "a=(1\t2)", "a=:x", "a=:!:", "a=:a:", "a=:a=b:", "a=b:c:d", "a=?2", "a=?", "a;B", "a;b=", "a;\tb", "a=@1", "\ta", "a\t", "a=\"\x7f\"",
}

// What parses is what the grammar allows, with the values that stand there; and it
// parses to the same when it is written again.
func FuzzDictionary(f *testing.F) {
	for _, s := range dictionarySeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		members, ok := parseDictionary(s)
		want, valid := readMembers(s)
		require.Equal(t, valid, ok)
		if !ok {
			require.Nil(t, members)
			return
		}
		require.Equal(t, want, members)
		again, ok := parseDictionary(writeMembers(members))
		require.True(t, ok)
		require.Equal(t, members, again)
	})
}

// readMembers reads a dictionary by its grammar, member by member.
func readMembers(s string) (map[string]sfItem, bool) {
	members := map[string]sfItem{}
	s = strings.Trim(s, " ")
	for s != "" {
		m := oneMember.FindStringSubmatch(s)
		if m == nil || !binariesDecode(m[0]) {
			return nil, false
		}
		members[m[1]] = itemOf(m[2])
		s = strings.TrimLeft(s[len(m[0]):], " \t")
		if s == "" {
			break
		}
		next := strings.TrimLeft(strings.TrimPrefix(s, ","), " \t")
		if s[0] != ',' || next == "" {
			return nil, false
		}
		s = next
	}
	return members, true
}

// binariesDecode checks what no regular expression can: the length of Base64 text,
// of which the padding may be missing (RFC 8941 §4.2.7).
func binariesDecode(member string) bool {
	for _, found := range texts.FindAllString(member, -1) {
		if found[0] != ':' {
			continue
		}
		if _, err := base64.RawStdEncoding.DecodeString(strings.Trim(found, ":=")); err != nil {
			return false
		}
	}
	return true
}

// itemOf reads a value that the grammar allows; "" stands for a key alone.
func itemOf(v string) sfItem {
	switch {
	case v == "", v == "?1":
		return sfItem{kind: sfBoolean, truth: true}
	case v == "?0":
		return sfItem{kind: sfBoolean}
	case v[0] == '"':
		return sfItem{kind: sfString, text: regexp.MustCompile(`\\(.)`).ReplaceAllString(v[1:len(v)-1], "$1")}
	case v[0] == ':', v[0] == '(':
		return sfItem{kind: sfOther}
	case regexp.MustCompile(`^[A-Za-z*]`).MatchString(v):
		return sfItem{kind: sfToken, text: v}
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return sfItem{kind: sfInteger, number: n}
	}
	return sfItem{kind: sfOther}
}

// writeMembers serialises by RFC 8941 §4.1.2. What was checked and not kept is
// written as a Decimal.
func writeMembers(members map[string]sfItem) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		v := members[name]
		switch v.kind {
		case sfBoolean:
			if !v.truth {
				name += "=?0"
			}
		case sfInteger:
			name += "=" + strconv.FormatInt(v.number, 10)
		case sfString:
			name += `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.text) + `"`
		case sfToken:
			name += "=" + v.text
		case sfOther:
			name += "=1.0"
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
