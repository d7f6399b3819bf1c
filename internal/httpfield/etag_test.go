// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestValidETag(t *testing.T) {
	for s, want := range map[string]bool{ // RFC 9110 §8.8.3
		`"a"`: true, `W/"a"`: true, `""`: true, `W/""`: true, `"a,b"`: true, `"\"`: true, `"é"`: true, "\"\x80\"": true,
		``: false, `a`: false, `"`: false, `W/`: false, `W/"`: false, `w/"a"`: false, `W"a"`: false, `"a`: false, `a"`: false,
		`"a"b"`: false, `"a b"`: false, "\"\x7f\"": false, `W/W/"a"`: false, ` "a"`: false,
	} {
		require.Equal(t, want, httpfield.ValidETag(s), s)
	}
	require.True(t, httpfield.IsWeak(`W/"a"`))
	require.False(t, httpfield.IsWeak(`"W/"`))
}

func TestETagMatch(t *testing.T) {
	cases := []struct {
		list         []string
		etag         string
		weak, strong bool
	}{
		{nil, `"a"`, false, false},
		{[]string{""}, `"a"`, false, false},
		{[]string{`"a"`}, ``, false, false},
		{[]string{`"a"`}, `"a"`, true, true}, // RFC 9110 §8.8.3.2
		{[]string{`W/"a"`}, `"a"`, true, false},
		{[]string{`"a"`}, `W/"a"`, true, false},
		{[]string{`W/"a"`}, `W/"a"`, true, false},
		{[]string{`"b"`}, `"a"`, false, false},
		{[]string{`w/"a"`}, `W/"a"`, false, false},
		{[]string{`"A"`}, `"a"`, false, false},
		{[]string{`"x", "a" ,"y"`}, `"a"`, true, true},
		{[]string{`"x","y"`, `"z",W/"q", "a"`}, `"a"`, true, true},
		{[]string{`,, "a",`}, `"a"`, true, true},
		{[]string{`"x,y"`}, `"x,y"`, true, true},
		{[]string{`"b,"a",c"`}, `"a"`, false, false},
		{[]string{`"x, W/\", "a"`}, `"a"`, true, true},
		{[]string{`"x, "a"`}, `"a"`, false, false},
		{[]string{`"\", "a"`}, `"a"`, true, true}, // no escapes in entity-tags
		{[]string{`*`}, `"a"`, true, true},        // RFC 9110 §13.1.1 and §13.1.2
		{[]string{` * `}, ``, true, true},
		{[]string{`"x", *`}, `"a"`, false, false},
		{[]string{`"*"`}, `"a"`, false, false},
		{[]string{`a`}, `a`, true, true},
		{[]string{`a`}, `"a"`, false, false},
		{[]string{`"a`}, `"a"`, false, false},
		{[]string{`"a"b`}, `"a"`, false, false},
	}
	for _, c := range cases {
		require.Equal(t, c.weak, httpfield.ETagMatch(c.list, c.etag, false), "%q %q weak", c.list, c.etag)
		require.Equal(t, c.strong, httpfield.ETagMatch(c.list, c.etag, true), "%q %q strong", c.list, c.etag)
	}
	list := []string{`"x", W/"y"`, `"a"`}
	require.Zero(t, testing.AllocsPerRun(100, func() { httpfield.ETagMatch(list, `"a"`, false) }))
}

func TestIfRange(t *testing.T) {
	const (
		old  = "Sun, 06 Nov 1994 08:49:37 GMT"
		next = "Sun, 06 Nov 1994 08:49:38 GMT"
	)
	cases := []struct {
		name, field, etag, modified, date string
		want                              bool
	}{
		{"RFC 9110 §13.1.5", `"a"`, `"a"`, "", "", true},
		{"another tag", `"a"`, `"b"`, old, next, false},
		{"no tag", `"a"`, "", old, next, false},
		{"weak tags never match", `W/"a"`, `W/"a"`, "", "", false},
		{"weak stored", `"a"`, `W/"a"`, "", "", false},
		{"strong date (§8.8.2.2)", old, `"a"`, old, next, true},
		{"weak date: within the second", old, "", old, old, false},
		{"later than Date", next, "", next, old, false},
		{"no Date", old, "", old, "", false},
		{"bad Date", old, "", old, "x", false},
		{"exact only: later", next, "", old, next, false},
		{"exact only: another form", "Sunday, 06-Nov-94 08:49:37 GMT", "", old, next, false},
		{"no Last-Modified", old, "", "", next, false},
		{"bad dates that are equal", "x", "", "x", next, false},
		{"a list is no validator", `"a", "b"`, `"a", "b"`, "", "", false},
		{"empty", "", "", "", "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, httpfield.IfRange(c.field, c.etag, c.modified, c.date))
		})
	}
}

// Valid entity-tags are found in a list exactly where they are members.
func FuzzETagMatch(f *testing.F) {
	for _, s := range []string{`"a"`, `W/"a,b"`, `""`, `"`, `*`, `"\"`, `W/`} {
		f.Add(s, `"a"`)
	}
	f.Fuzz(func(t *testing.T, s, etag string) {
		httpfield.ETagMatch([]string{s}, etag, true)
		httpfield.IfRange(s, etag, s, etag)
		if !httpfield.ValidETag(s) || !httpfield.ValidETag(etag) {
			return
		}
		require.True(t, httpfield.ETagMatch([]string{etag + ", " + s}, s, false))
		require.Equal(t, !httpfield.IsWeak(s), httpfield.ETagMatch([]string{etag, s}, s, true))
		opaque := strings.TrimPrefix(etag, "W/")
		if opaque != `"-"` && opaque != `"--"` {
			alone := httpfield.ETagMatch([]string{s}, etag, false)
			require.Equal(t, alone, httpfield.ETagMatch([]string{`"-", ` + s + `,"--"`}, etag, false))
		}
	})
}
