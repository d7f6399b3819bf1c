// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestTokens(t *testing.T) {
	cases := []struct {
		lines, want []string
	}{
		{nil, nil},
		{[]string{"", " ,\t, "}, nil},
		{[]string{"a"}, []string{"a"}},
		{[]string{"a, b ,c", "d"}, []string{"a", "b", "c", "d"}},
		{[]string{",a,,b,"}, []string{"a", "b"}}, // RFC 9110 §5.6.1.2
		{[]string{`a="1, 2", b`}, []string{`a="1, 2"`, "b"}},
		{[]string{`a="\", x", b`}, []string{`a="\", x"`, "b"}}, // RFC 9110 §5.6.4
		{[]string{`a\,b`}, []string{`a\`, "b"}},
		{[]string{`"a, b`, "c"}, []string{`"a, b`, "c"}},
	}
	for _, c := range cases {
		require.Equal(t, c.want, slices.Collect(httpfield.Tokens(c.lines)), c.lines)
	}
	for member := range httpfield.Tokens([]string{"a, b", "c"}) {
		require.Equal(t, "a", member)
		break
	}
}

func TestHasToken(t *testing.T) {
	lines := []string{"Keep-Alive, UPGRADE ;q=1", `x="a, close"`, "text/event-stream;q=0.9"}
	for token, want := range map[string]bool{
		"upgrade": true, "keep-alive": true, "text/event-stream": true, "close": false, "a": false, "up": false, "x": false, "": false,
	} {
		require.Equal(t, want, httpfield.HasToken(lines, token), token)
	}
	require.False(t, httpfield.HasToken(nil, "a"))
	require.Zero(t, testing.AllocsPerRun(100, func() { httpfield.HasToken(lines, "Upgrade") }))
}

// Members have no blanks around them, and none is found that Tokens lacks.
func FuzzTokens(f *testing.F) {
	for _, s := range []string{"a, b", `a="1, 2",b`, `"\`, ",,\t,", "gzip;q=1 , *"} {
		f.Add(s, "b")
	}
	f.Fuzz(func(t *testing.T, line, token string) {
		found := false
		for member := range httpfield.Tokens([]string{line}) {
			require.NotEmpty(t, member)
			require.Equal(t, strings.Trim(member, " \t"), member)
			name, _, _ := strings.Cut(member, ";")
			found = found || strings.EqualFold(strings.Trim(name, " \t"), token)
		}
		if token != "" {
			require.Equal(t, found, httpfield.HasToken([]string{line}, token))
		}
	})
}
