// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

var (
	aroundDelimiter = regexp.MustCompile(`[ \t]*([,;])[ \t]*`)
	aroundComma     = regexp.MustCompile(`[ \t]*,[ \t]*`)
	weightOf        = regexp.MustCompile(`^[^;]*(?:;q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$`)
)

// Fields match if and only if they mean the same (RFC 9111 §4.1): the same text where
// nothing is known of the field, the same members where it is a list, in the same order
// unless they are of equal weight. Of the longest lists the order always counts.
func FuzzSelectedMeaning(f *testing.F) {
	for _, s := range [][2]string{
		{"GZip, BR;Q=0.5", "gzip, br;q=0.5"}, {"a;q=1.0, b, c;q=1.", "c;q=1., a;q=1.0, b"}, {"a, x;q=0.5, b", "b, x;q=0.5, a"}, {"gzip;q=0.5, br", "br, gzip;q=0.5"},
		{"a;q=2, b", "b, a;q=2"}, {"a;q=0.1234, b", "b, a;q=0.1234"}, {"a;q=, b;q=", "b;q=, a;q="}, {`"A",b`, `"a",b`}, {"en", "en\n"}, {"en\nde", "de,en"}, {"1,2", "1, 2"},
		{"", ","}, {"a;;b", "a; ;b"}, {"gzip, deflate, br, zstd", "zstd,br,deflate,gzip"}, {"en us", "enus"}, {"a/b;v=A", "A/B; v=A"}, {"x=1; y=2", "x=1;y=2"}, {"Bearer x", " Bearer x\t"},
		{strings.Repeat("b,", 16) + "a", "a" + strings.Repeat(",b", 16)}, {strings.Repeat("x", 300) + ",a", "a," + strings.Repeat("x", 300)},
	} {
		f.Add(s[0], s[1], uint64(1))
	}
	f.Fuzz(func(t *testing.T, field, other string, seed uint64) {
		for _, b := range []string{other, shuffled(field, seed), strings.ToUpper(field), strings.ReplaceAll(field, ",", " \t,"), strings.ReplaceAll(field, ",", "\n")} {
			one, two := strings.Split(field, "\n"), strings.Split(b, "\n")
			for _, name := range []string{"Accept-Encoding", "Accept-Language", "Accept", "Cookie", "User-Agent", "X"} {
				for _, unknown := range []httpfield.Syntax{httpfield.Strict, httpfield.Lists} {
					text, mayDiffer := meaning(name, one, unknown)
					same, _ := meaning(name, two, unknown)
					if matches(name, one, two, unknown) {
						require.Equal(t, text, same, name)
					} else if !mayDiffer {
						require.NotEqual(t, text, same, name)
					}
				}
			}
		}
	})
}

func matches(name string, one, two []string, unknown httpfield.Syntax) bool {
	a := httpfield.AppendSelected(nil, []string{name}, http.Header{name: one}, "", unknown)
	b := httpfield.AppendSelected(nil, []string{name}, http.Header{name: two}, "", unknown)
	return string(a) == string(b)
}

func shuffled(field string, seed uint64) string {
	members := strings.Split(field, ",")
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return strings.Join(members, ",")
}

// meaning brings a value into one form. long says that a list is too long for its order
// to be looked at.
func meaning(name string, lines []string, unknown httpfield.Syntax) (text string, long bool) {
	for i, line := range lines {
		lines[i] = strings.Trim(line, " \t")
	}
	text = strings.Join(lines, ", ")
	isList := !strings.Contains(text, `"`)
	switch {
	case isList && name == "Accept":
		return strings.Join(membersOf(text, lowerName), ","), false
	case isList && (name == "Accept-Encoding" || name == "Accept-Language"):
		members := membersOf(text, lowerASCII)
		long = len(members) > 16 || len(strings.Join(members, ",")) > 256
		return strings.Join(byWeight(members), ","), long
	case isList && name == "X" && unknown == httpfield.Lists:
		return aroundComma.ReplaceAllString(text, ","), false // empty members may mean something
	}
	return text, false
}

func membersOf(text string, fold func(string) string) (members []string) {
	text = aroundDelimiter.ReplaceAllString(text, "$1")
	for member := range strings.SplitSeq(text, ",") {
		if member != "" {
			members = append(members, fold(member))
		}
	}
	return members
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

// lowerName leaves parameters as they are.
func lowerName(s string) string {
	name, _, _ := strings.Cut(s, ";")
	return lowerASCII(name) + s[len(name):]
}

// byWeight sorts the members of each weight among their places. Where a weight can't
// be read, all stay.
func byWeight(members []string) []string {
	groups := map[float64][]string{}
	weights := make([]float64, len(members))
	for i, member := range members {
		m := weightOf.FindStringSubmatch(member)
		if m == nil {
			return members
		}
		weights[i] = 1
		if m[1] != "" {
			weights[i], _ = strconv.ParseFloat(m[1], 64)
		}
		groups[weights[i]] = append(groups[weights[i]], member)
	}
	for _, group := range groups {
		slices.Sort(group)
	}
	sorted := make([]string, len(members))
	for i, w := range weights {
		sorted[i], groups[w] = groups[w][0], groups[w][1:]
	}
	return sorted
}
