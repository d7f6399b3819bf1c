// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestVaryNames(t *testing.T) {
	cases := []struct {
		lines, want []string
		any         bool
	}{
		{nil, nil, false},
		{[]string{"", " , "}, nil, false},
		{[]string{"cookie, Accept-encoding", "COOKIE"}, []string{"Accept-Encoding", "Cookie"}, false}, // RFC 9110 §12.5.5
		{[]string{"*"}, nil, true},
		{[]string{"*, *"}, nil, true},
		{[]string{", *"}, nil, true},
		{[]string{"", "*"}, nil, true},
		{[]string{"*, Foo"}, nil, true},
		{[]string{"Foo, *"}, nil, true},
		{[]string{"Foo", "Bar,*"}, nil, true},
		{[]string{"Foo Cookie"}, nil, true}, // a forgotten comma
		{[]string{`"Foo, Bar"`}, nil, true},
	}
	for _, c := range cases {
		names, any := httpfield.VaryNames(c.lines)
		require.Equal(t, c.any, any, c.lines)
		require.Equal(t, c.want, names, c.lines)
	}
}

func FuzzVaryNames(f *testing.F) {
	f.Add("Cookie, accept", "*")
	f.Add(`"a, *`, "")
	f.Fuzz(func(t *testing.T, a, b string) {
		names, any := httpfield.VaryNames([]string{a, b})
		joined, anyJoined := httpfield.VaryNames([]string{a + ", " + b})
		require.Equal(t, joined, names)
		require.Equal(t, anyJoined, any)
		require.True(t, slices.IsSorted(names))
		_, starred := httpfield.VaryNames([]string{a, "*", b})
		require.True(t, starred)
	})
}
