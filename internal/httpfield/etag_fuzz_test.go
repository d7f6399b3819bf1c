// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

// RFC 9110 §8.8.3. Bytes that aren't UTF-8 are obs-text, too.
const etagForm = `(?:W/)?"[^\x00-\x20"\x7f]*"`

var (
	etagText = regexp.MustCompile(`^` + etagForm + `$`)
	etagFind = regexp.MustCompile(etagForm)
	etagList = regexp.MustCompile(`^[ \t,]*(?:` + etagForm + `(?:[ \t]*,[ \t,]*` + etagForm + `)*[ \t,]*)?$`)
)

// In a valid list a tag is found where it is a member, by the comparison that is
// asked for. In one that isn't valid it is found only where its text stands.
func FuzzETagList(f *testing.F) {
	for _, list := range []string{
		``, `"a"`, `W/"a"`, `"b"`, `w/"a"`, `"A"`, `"x", "a" ,"y"`, "\"x\",\"y\"\n\"z\",W/\"q\", \"a\"", `,, "a",`, `"x,y"`, `"b,"a",c"`, `"x, W/\", "a"`, `"x, "a"`, `"\", "a"`,
		`*`, ` * `, `"x", *`, "*\n*", `"*"`, `a`, `"a`, `"a"b`, `"a""b"`, `W/W/"a"`, `W/ "a"`, "\"\xff\"", `""`, `W/""`, `"W/"`,
	} {
		f.Add(list, `"a"`)
		f.Add(list, `W/"a"`)
		f.Add(list, `"x,y"`)
	}
	f.Fuzz(func(t *testing.T, field, etag string) {
		require.Equal(t, etagText.MatchString(etag), httpfield.ValidETag(etag))
		if !httpfield.ValidETag(etag) {
			return
		}
		lines := strings.Split(field, "\n")
		weak, strong := httpfield.ETagMatch(lines, etag, false), httpfield.ETagMatch(lines, etag, true)
		require.True(t, weak || !strong, "what matches strongly matches weakly")
		switch {
		case strings.Trim(field, " \t") == "*":
			require.True(t, strong)
		case validLists(lines):
			wantWeak, wantStrong := named(lines, etag)
			require.Equal(t, wantWeak, weak)
			require.Equal(t, wantStrong, strong)
		case weak:
			require.Contains(t, field, strings.TrimPrefix(etag, "W/"))
		}
	})
}

func validLists(lines []string) bool {
	for _, line := range lines {
		if !etagList.MatchString(line) {
			return false
		}
	}
	return true
}

// named compares as RFC 9110 §8.8.3.2 says.
func named(lines []string, etag string) (weak, strong bool) {
	opaque, isWeak := strings.CutPrefix(etag, "W/")
	for _, line := range lines {
		for _, member := range etagFind.FindAllString(line, -1) {
			weak = weak || strings.TrimPrefix(member, "W/") == opaque
			strong = strong || !isWeak && member == opaque
		}
	}
	return weak, strong
}

// If-Range holds for a strong tag that is the same, and for a date that is the same
// text as a Last-Modified that lies before Date (RFC 9110 §13.1.5).
func FuzzIfRange(f *testing.F) {
	const (
		old  = "Sun, 06 Nov 1994 08:49:37 GMT"
		next = "Sun, 06 Nov 1994 08:49:38 GMT"
	)
	for _, s := range [][4]string{
		{`"a"`, `"a"`, "", ""}, {`"a"`, `"b"`, old, next}, {old, `"a"`, old, next}, {old, "", old, old}, {next, "", next, old}, {old, "", old, ""}, {old, "", old, "x"}, {next, "", old, next},
		{`W/"a"`, `W/"a"`, "", ""}, {`"a"`, `W/"a"`, "", ""}, {"Sunday, 06-Nov-94 08:49:37 GMT", "", old, next}, {old, "", "", next}, {"x", "", "x", next}, {`"a", "b"`, `"a", "b"`, "", ""},
		{"", "", "", ""}, {`"a"`, ` "a" `, "", ""}, {" " + old, "", old + "\t", next}, {"*", "*", "*", next},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	f.Fuzz(func(t *testing.T, field, etag, modified, date string) {
		now := time.Now()
		text := strings.Trim(field, " \t")
		then, isDate := wantDate(text, now)
		sent, known := wantDate(date, now)
		sameTag := etagText.MatchString(text) && text[0] == '"' && text == strings.Trim(etag, " \t")
		sameDate := isDate && text == strings.Trim(modified, " \t") && known && then.Before(sent)
		require.Equal(t, sameTag || sameDate, httpfield.IfRange(field, etag, modified, date))
	})
}
