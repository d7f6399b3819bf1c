// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestParseRange(t *testing.T) {
	type r = httpfield.Range
	cases := []struct {
		field string
		size  int64
		want  []r
	}{
		{"bytes=0-4", 10, []r{{0, 5}}}, // RFC 9110 §14.1.2
		{"BYTES=0-0", 10, []r{{0, 1}}},
		{" bytes=0-4 ", 10, []r{{0, 5}}},
		{"bytes=5-", 10, []r{{5, 5}}},
		{"bytes=-3", 10, []r{{7, 3}}},
		{"bytes=-10", 10, []r{{0, 10}}},
		{"bytes=-99", 10, []r{{0, 10}}},
		{"bytes=5-99", 10, []r{{5, 5}}},
		{"bytes=5-99999999999999999999", 10, []r{{5, 5}}},
		{"bytes=0-1, 4-5 ,-2", 10, []r{{0, 2}, {4, 2}, {8, 2}}},
		{"bytes=,0-1,,4-5,", 10, []r{{0, 2}, {4, 2}}},
		{"bytes=4-5,0-1", 10, []r{{4, 2}, {0, 2}}},
		{"bytes=0-1,99-", 10, []r{{0, 2}}},
		{"bytes=0-3,2-5", 10, []r{{0, 4}, {2, 4}}},
		{"bytes=" + strings.Repeat("0-0,", 64), 100, nil},
	}
	for i := range 64 {
		cases[len(cases)-1].want = append(cases[len(cases)-1].want[:i], r{0, 1})
	}
	for _, c := range cases {
		ranges, satisfiable, ok := httpfield.ParseRange(c.field, c.size)
		require.True(t, ok, c.field)
		require.True(t, satisfiable, c.field)
		require.Equal(t, c.want, ranges, c.field)
	}
}

func TestParseRangeUnsatisfiable(t *testing.T) { // RFC 9110 §15.5.17
	for _, field := range []string{"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-", "bytes=10-,-0"} {
		ranges, satisfiable, ok := httpfield.ParseRange(field, 10)
		require.True(t, ok, field)
		require.False(t, satisfiable, field)
		require.Empty(t, ranges, field)
	}
}

func TestParseRangeIgnores(t *testing.T) { // RFC 9110 §14.2
	for _, field := range []string{
		"", "bytes", "bytes=", "bytes=,", "lines=0-1", "bytes =0-1", "bytes=5-4", "bytes=0-1,5-4", "bytes=a-b", "bytes=0-b", "bytes=-", "bytes=--1",
		"bytes=0 - 1", "bytes=+0-1", "bytes=5", "bytes=0-1-2", "bytes=0-1;x", "0-1", "bytes=0-,0-", "bytes=-6,0-5",
		"bytes=" + strings.Repeat("0-0,", 65),
	} {
		_, _, ok := httpfield.ParseRange(field, 10)
		require.False(t, ok, field)
	}
	_, _, ok := httpfield.ParseRange("bytes="+strings.Repeat("0-0,", 65), 1000)
	require.False(t, ok, "more than 64")
	_, _, ok = httpfield.ParseRange("bytes=0-", 0)
	require.False(t, ok, "empty body")
}

func TestParseContentRange(t *testing.T) {
	cases := []struct {
		s    string
		want httpfield.ContentRange
	}{
		{"bytes 0-4/10", httpfield.ContentRange{Start: 0, End: 4, Size: 10}}, // RFC 9110 §14.4
		{"Bytes 0-4/*", httpfield.ContentRange{Start: 0, End: 4, Size: -1}},
		{"bytes */10", httpfield.ContentRange{Size: 10, Unsatisfied: true}},
		{"bytes */0", httpfield.ContentRange{Size: 0, Unsatisfied: true}},
		{" bytes 9-9/10 ", httpfield.ContentRange{Start: 9, End: 9, Size: 10}},
		{"bytes 0-9223372036854775806/9223372036854775807", httpfield.ContentRange{End: 1<<63 - 2, Size: 1<<63 - 1}},
	}
	for _, c := range cases {
		got, ok := httpfield.ParseContentRange(c.s)
		require.True(t, ok, c.s)
		require.Equal(t, c.want, got, c.s)
	}
	for _, s := range []string{
		"", "bytes", "bytes ", "bytes 0-4", "bytes=0-4/10", "lines 0-4/10", "bytes 4-0/10", "bytes 0-10/10", "bytes -4/10", "bytes 0-/10",
		"bytes 0-4/", "bytes */*", "bytes */", "bytes a-4/10", "bytes 0-4/-1", "bytes  0-4/10", "bytes 0-4 /10", "bytes 0-4/10/11", "bytes 0-4/9223372036854775808",
	} {
		got, ok := httpfield.ParseContentRange(s)
		require.False(t, ok, s)
		require.Zero(t, got, s)
	}
}

// Ranges lie within the body, none is empty, and together they don't exceed it.
func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5,3-", "bytes=99999999999999999999-", "bytes=0-0,,5-4", "bytes=1-9223372036854775807"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		ranges, satisfiable, ok := httpfield.ParseRange(field, size)
		require.Equal(t, satisfiable, len(ranges) > 0)
		require.True(t, ok || !satisfiable)
		var total int64
		for _, r := range ranges {
			require.True(t, r.Start >= 0 && r.Length > 0 && r.Length <= size && r.Start <= size-r.Length)
			total += r.Length
		}
		require.True(t, ranges == nil || total <= size)
	})
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-4/10", "bytes */10", "bytes 0-4/*", "bytes 0-9223372036854775807/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := httpfield.ParseContentRange(s)
		require.True(t, c.Start >= 0 && c.Start <= c.End && c.Size >= -1)
		if ok && !c.Unsatisfied && c.Size >= 0 {
			require.Less(t, c.End, c.Size)
		}
	})
}
