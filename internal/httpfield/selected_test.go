// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func selected(name string, lines ...string) string {
	return string(httpfield.AppendSelected(nil, []string{name}, http.Header{name: lines}, "", httpfield.Strict))
}

func TestAppendSelectedMatches(t *testing.T) {
	long := strings.Repeat("x", 300)
	cases := []struct {
		name  string
		field string
		a, b  []string
		same  bool
	}{
		{"equal", "X", []string{"1"}, []string{"1"}, true},
		{"different", "X", []string{"1"}, []string{"2"}, false},
		{"absent equals absent (RFC 9111 §4.1)", "X", nil, []string{}, true},
		{"absent is not empty", "X", nil, []string{""}, false},
		{"absent coding is not empty (RFC 9110 §12.5.3)", "Accept-Encoding", nil, []string{""}, false},
		{"blanks around", "X", []string{"1"}, []string{" 1\t"}, true},
		{"lines are joined", "X", []string{"1", "2"}, []string{"1, 2"}, true},
		{"unknown syntax stays verbatim", "X", []string{"1,2"}, []string{"1, 2"}, false},
		{"unknown case stays", "X", []string{"a"}, []string{"A"}, false},
		{"case", "Accept-Encoding", []string{"GZip, BR;Q=0.5"}, []string{"gzip, br;q=0.5"}, true},
		{"blanks", "Accept-Language", []string{"en ,de ; q=0.5"}, []string{"en,de;q=0.5"}, true},
		{"lines of a list", "Accept-Language", []string{"en", "de"}, []string{"en,de"}, true},
		{"empty members", "Accept-Language", []string{"en,,de,"}, []string{"en, de"}, true},
		{"inner blanks stay", "Accept-Language", []string{"en us"}, []string{"enus"}, false},
		{"order of equal weights", "Accept-Language", []string{"en, de"}, []string{"de, en"}, true},
		{"order of equal weights written differently", "Accept-Language", []string{"a;q=1.0, b, c;q=1."}, []string{"c;q=1., a;q=1.0, b"}, true},
		{"order around another weight", "Accept-Encoding", []string{"a, x;q=0.5, b"}, []string{"b, x;q=0.5, a"}, true},
		{"order of different weights", "Accept-Encoding", []string{"gzip;q=0.5, br"}, []string{"br, gzip;q=0.5"}, false},
		{"weights count", "Accept-Encoding", []string{"gzip, br;q=0.5"}, []string{"gzip;q=0.5, br"}, false},
		{"weights that can't be read", "Accept-Encoding", []string{"a;q=2, b"}, []string{"b, a;q=2"}, false},
		{"weights with too many digits", "Accept-Encoding", []string{"a;q=0.1234, b"}, []string{"b, a;q=0.1234"}, false},
		{"weights that are empty", "Accept-Encoding", []string{"a;q=, b;q="}, []string{"b;q=, a;q="}, false},
		{"weights that are no numbers", "Accept-Encoding", []string{"a;q=0.x, b;q=0.x"}, []string{"b;q=0.x, a;q=0.x"}, false},
		{"quotes make it verbatim", "Accept-Encoding", []string{`"A",b`}, []string{`"a",b`}, false},
		{"parameters that aren't weights", "Accept-Encoding", []string{"a;x=1;q=0.5, b"}, []string{"b, a;x=1;q=0.5"}, false},
		{"weights with a sign", "Accept-Encoding", []string{"a;q=-1, b;q=-1"}, []string{"b;q=-1, a;q=-1"}, false},
		{"weights without a point", "Accept-Encoding", []string{"a;q=10, b;q=10"}, []string{"b;q=10, a;q=10"}, false},
		{"weights above 1", "Accept-Encoding", []string{"a;q=1.1, b;q=1.1"}, []string{"b;q=1.1, a;q=1.1"}, false},
		{"charset", "Accept-Charset", []string{"UTF-8, iso-8859-1"}, []string{"ISO-8859-1,utf-8"}, true},
		{"media range", "Accept", []string{"Text/HTML; q=0.5, a/b"}, []string{"text/html;q=0.5,a/b"}, true},
		{"order of media ranges", "Accept", []string{"a/b, c/d"}, []string{"c/d, a/b"}, false},
		{"case of media parameters", "Accept", []string{"a/b;v=A"}, []string{"a/b;v=a"}, false},
		{"quoted media parameters", "Accept", []string{`a/b;v="x , y"`}, []string{`a/b;v="x,y"`}, false},
		{"long lists are folded", "Accept-Encoding", []string{long + " , A"}, []string{long + ",a"}, true},
		{"long lists keep their order", "Accept-Encoding", []string{long + ",a"}, []string{"a," + long}, false},
		{"many members keep their order", "Accept-Encoding", []string{strings.Repeat("b,", 16) + "a"}, []string{"a" + strings.Repeat(",b", 16)}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.same, selected(c.field, c.a...) == selected(c.field, c.b...))
		})
	}
}

// The shortcuts give what the long way gives.
func TestAppendSelectedCommonValues(t *testing.T) {
	for _, v := range []string{"gzip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd"} {
		require.Equal(t, selected("Accept-Encoding", v+","), selected("Accept-Encoding", v))
	}
}

func TestAppendSelectedIsInjective(t *testing.T) {
	names := []string{"A", "B"}
	requests := []http.Header{
		{}, {"A": {""}}, {"B": {""}}, {"A": {"xy"}}, {"B": {"xy"}}, {"A": {"x"}, "B": {"y"}}, {"A": {"xy"}, "B": {""}},
		{"A": {"\x01\x00\x00\x00\x00"}}, {"A": {""}, "B": {""}}, {"A": {""}, "B": {"\x00"}}, {"A": {"\x00"}}, {"B": {"\x00"}},
	}
	seen := map[string]bool{}
	for _, h := range requests {
		seen[string(httpfield.AppendSelected(nil, names, h, "", httpfield.Strict))] = true
	}
	require.Len(t, seen, len(requests))
}

func TestAppendSelectedHost(t *testing.T) {
	of := func(h http.Header, host string) string {
		return string(httpfield.AppendSelected([]byte("k"), []string{"Host"}, h, host, httpfield.Strict))
	}
	require.Equal(t, of(nil, "a"), of(http.Header{"Host": {"b"}}, "a"))
	require.NotEqual(t, of(nil, "a"), of(nil, "b"))
	require.NotEqual(t, of(nil, ""), of(nil, "a"))
	require.Equal(t, "k", of(nil, "")[:1])
}

var browser = http.Header{
	"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
	"Accept-Encoding": {"gzip, deflate, br, zstd"},
	"Accept-Language": {"en-GB,en;q=0.9,de;q=0.8"},
	"Cookie":          {"a=b"},
}

func TestAppendSelectedAllocatesNothing(t *testing.T) {
	names := []string{"Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Host", "X"}
	dst := make([]byte, 0, 512)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst = httpfield.AppendSelected(dst[:0], names, browser, "example.com", httpfield.Strict) }))
	require.Contains(t, string(dst), "br,deflate,gzip,zstd")
	require.Contains(t, string(dst), "en-gb,en;q=0.9,de;q=0.8")
}

// Credentials select by their digest: they match as before, and the text holds nothing of
// them.
func TestAppendSelectedHidesCredentials(t *testing.T) {
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		of := func(lines ...string) string {
			return string(httpfield.AppendSelected([]byte("before"), []string{"X", name, "Y"}, http.Header{
				"X": {"left"}, name: lines, "Y": {"right"},
			}, "", httpfield.Strict))
		}
		text := of("secret=hunter2")
		require.NotContains(t, text, "secret")
		require.NotContains(t, text, "hunter2")
		require.Contains(t, text, "left")
		require.Contains(t, text, "right")
		require.True(t, strings.HasPrefix(text, "before"))
		require.Len(t, of(strings.Repeat("x", 5000)), len(text), "as long as a digest")

		require.Equal(t, text, of(" secret=hunter2\t"))
		require.Equal(t, of("a", "b"), of("a, b"))
		for _, other := range [][]string{nil, {""}, {"secret=hunter"}, {"Secret=hunter2"}, {"secret=hunter2", ""}} {
			require.NotEqual(t, text, of(other...), "%q", other)
		}
		require.NotEqual(t, of(), of(""), "absent is not empty")
	}
}

func TestAppendSelectedDigestsAllocateNothing(t *testing.T) {
	names := []string{"Authorization", "Cookie", "Proxy-Authorization"}
	h := http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a=b", "c=d"}, "Proxy-Authorization": {"Basic y"}}
	dst := make([]byte, 0, 128)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst = httpfield.AppendSelected(dst[:0], names, h, "", httpfield.Strict) }))
}

func BenchmarkAppendSelected(b *testing.B) {
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Cookie"} {
		b.Run(name, func(b *testing.B) {
			names, dst := []string{name}, make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				dst = httpfield.AppendSelected(dst[:0], names, browser, "", httpfield.Strict)
			}
		})
	}
}

// Normalising is idempotent, and blanks around members never count.
func FuzzAppendSelected(f *testing.F) {
	for _, s := range []string{"gzip, br;q=0.5", "", ",", `"a, b"`, "en ; q=1.000,de", "a;q=1,a;q=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range []string{"Accept-Encoding", "Accept-Language", "Accept", "X"} {
			once := selected(name, value)
			require.Equal(t, once, selected(name, once[5:]))
			require.Equal(t, once, selected(name, " "+value+"\t"))
		}
		if !strings.Contains(value, `"`) {
			require.Equal(t, selected("Accept", value), selected("Accept", strings.ReplaceAll(value, ",", " ,\t")))
		}
	})
}

// Blanks around commas count for nothing where unknown fields are taken for lists.
func TestAppendSelectedUnknownSyntax(t *testing.T) {
	of := func(name string, unknown httpfield.Syntax, lines ...string) string {
		return string(httpfield.AppendSelected(nil, []string{name}, http.Header{name: lines}, "", unknown))
	}
	list := func(lines ...string) string { return of("Foo", httpfield.Lists, lines...) }
	require.Equal(t, list("1,2"), list(" 1, 2 "))
	require.Equal(t, list("1,2"), list("1", "2"))
	require.Equal(t, list("a b"), list(" a b"))
	require.NotEqual(t, list("1,2"), list("2,1"), "order may count")
	require.NotEqual(t, list("a"), list("A"), "and so may case")
	require.NotEqual(t, list("a;b"), list("a; b"), "and blanks around anything else")
	require.NotEqual(t, list("a  b"), list("a b"))
	require.NotEqual(t, list("a,,b"), list("a,b"), "nor may an empty member be left out")
	require.NotEqual(t, list("a,"), list("a"))
	require.Equal(t, list("a, ,b"), list("a,,b"))
	require.NotEqual(t, list(`"a,b"`), list(`"a, b"`), "blanks in a string are part of it")
	require.NotEqual(t, list(""), of("Foo", httpfield.Lists))
	require.NotEqual(t, of("Foo", httpfield.Strict, "1,2"), of("Foo", httpfield.Strict, "1, 2"))
	require.NotEqual(t, of("Foo", httpfield.Strict, "1,2"), list("1,2"), "two assumptions never meet")
	require.NotEqual(t, of("User-Agent", httpfield.Lists, "x (a,b)"), of("User-Agent", httpfield.Lists, "x (a, b)"))
	require.Equal(t, of("Accept-Language", httpfield.Strict, "en, de"), of("Accept-Language", httpfield.Lists, "de,en"))
}
