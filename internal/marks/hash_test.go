// SPDX-License-Identifier: MIT

package marks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
)

// These values stand in stored entries: they must never change.
func TestHashesAreStable(t *testing.T) {
	require.Equal(t, uint64(0xa305ddf4c0d34e0b), marks.TagHash("products"))
	require.Equal(t, uint64(0x729fbe3e1a61cf8), marks.TagHash(""))
	require.Equal(t, uint64(0x345f171350fbe228), marks.URLHash("example.com", "/a?b=c"))
}

func TestURLHashIgnoresSpelling(t *testing.T) {
	want := marks.URLHash("example.com", "/~a/b?c=d")
	for _, same := range [][2]string{
		{"EXAMPLE.com", "/~a/b?c=d"},
		{"example.com:80", "/~a/b?c=d"},
		{"example.com:443", "/~a/b?c=d"},
		{"example.com", "/%7Ea/%62?c=d"},
	} {
		require.Equal(t, want, marks.URLHash(same[0], same[1]), "%v", same)
	}
	for _, different := range [][2]string{
		{"example.org", "/~a/b?c=d"},
		{"example.com:8080", "/~a/b?c=d"},
		{"example.com", "/~A/b?c=d"},
		{"example.com", "/~a/b?c=D"},
		{"example.com", "/~a%2Fb?c=d"},
		{"example.com", "/~a/b"},
	} {
		require.NotEqual(t, want, marks.URLHash(different[0], different[1]), "%v", different)
	}
}

func TestTagHashTellsTagsApart(t *testing.T) {
	long := strings.Repeat("x", 1000)
	seen := map[uint64]string{marks.URLHash("a", "/"): "the URL a/"}
	for _, tag := range []string{"", "a", "A", "a ", "a/", "http://a/", long, long + "x"} {
		h := marks.TagHash(tag)
		require.NotContains(t, seen, h, tag)
		seen[h] = tag
	}
}

func TestHashesAllocateNothing(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { marks.TagHash("products") }))
	require.Zero(t, testing.AllocsPerRun(100, func() { marks.URLHash("example.com", "/%7Ea/b?c=d") }))
}

func BenchmarkURLHash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		marks.URLHash("example.com", "/products/17?lang=de")
	}
}
