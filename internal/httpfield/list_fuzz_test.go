// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

var (
	// What stands between two commas: a quote that isn't closed reaches to the end
	// of its line.
	listMember = regexp.MustCompile(`(?s)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^,"])+`)
	nameText   = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	numberText = regexp.MustCompile(`^[0-9]+$`)
)

// wantMembers reads a list whose lines are separated by "\n".
func wantMembers(field string) (members []string) {
	for line := range strings.SplitSeq(field, "\n") {
		for _, member := range listMember.FindAllString(line, -1) {
			if member = strings.Trim(member, " \t"); member != "" {
				members = append(members, member)
			}
		}
	}
	return members
}

var listSeeds = []string{
	"", "a", "a, b ,c\nd", ",a,,b,", " ,\t, ", `a="1, 2", b`, `a="\", x", b`, `a\,b`, "\"a, b\nc", "a=\"\\", `"`, `""`, "\"a\nb\", c", "x=\"a\"b\"c,d\", e", "\xff,\x00",
	"cookie, Accept-encoding\nCOOKIE", "*", "*, *", ", *", "\n*", "*, Foo", "Foo\nBar,*", "Foo Cookie", `"Foo, Bar"`, "gzip;q=1 , *",
}

// Lines of a list are one list, and its members are what stands between the commas.
func FuzzListMembers(f *testing.F) {
	for _, s := range listSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		members := slices.Collect(httpfield.Tokens(lines))
		require.Equal(t, wantMembers(field), members)
		for i, member := range members {
			if strings.Count(member, `"`) > 0 && !strings.HasSuffix(member, `"`) {
				continue // its quote may not be closed
			}
			require.Equal(t, members[i:i+1], slices.Collect(httpfield.Tokens([]string{member})))
		}
	})
}

// Names are those between the commas, each once, unless one can't be a name.
func FuzzVaryReading(f *testing.F) {
	for _, s := range listSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		var want []string
		anything := false
		for _, name := range strings.FieldsFunc(field, func(r rune) bool { return r == ',' || r == '\n' }) {
			if name = strings.Trim(name, " \t"); name == "" {
				continue
			}
			anything = anything || name == "*" || !nameText.MatchString(name)
			want = append(want, http.CanonicalHeaderKey(name))
		}
		slices.Sort(want)
		if want = slices.Compact(want); anything {
			want = nil
		}
		names, any := httpfield.VaryNames(strings.Split(field, "\n"))
		require.Equal(t, anything, any)
		require.Equal(t, want, names)
	})
}

// What is left is what Connection doesn't list, what isn't known to belong to one
// connection, and what decides on caching.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{"", "close", "x-a, X-C\n ,x-d", `"x, x-a`, "cache-control, vary, X-A", "connection", "keep-alive,te", "\u017f-a", ", ,", "x-a;q=1", "CDN-Cache-Control, set-cookie"} {
		f.Add(s, "X-A")
	}
	f.Add("x", "x")
	f.Add("X-\xff", "X-\xff")
	f.Add("", "Proxy-Authentication-Info")
	f.Fuzz(func(t *testing.T, connection, name string) {
		decides := []string{"Age", "Cache-Control", "Cdn-Cache-Control", "Date", "Expires", "Pragma", "Vary"}
		hops := []string{
			"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "Proxy-Connection", "Te", "Trailer",
			"Transfer-Encoding", "Upgrade",
		}
		h := http.Header{}
		for _, key := range append(append(append(decides, hops...), "X-A", "X-B", "Set-Cookie"), name) {
			h[key] = []string{key}
		}
		h["Connection"] = strings.Split(connection, "\n")
		want := h.Clone()
		listed := strings.FieldsFunc(connection, func(r rune) bool { return r == ',' || r == '\n' })
		for key := range want {
			same := func(option string) bool { return strings.EqualFold(strings.Trim(option, " \t"), key) }
			isListed := slices.ContainsFunc(listed, same) && !slices.ContainsFunc(decides, same)
			if isListed || slices.ContainsFunc(hops, same) || !nameText.MatchString(key) {
				delete(want, key)
			}
		}
		httpfield.StripHopByHop(h)
		require.Equal(t, want, h)
	})
}

// Age is the first member of the first line, and Retry-After the first line.
func FuzzSecondsReading(f *testing.F) {
	for _, s := range []string{
		"", "0", "60", " 0060 ", "60,0", "60 , 7200", "60\n7200", "abc\n60", "\n60", ",60", "-60", "+60", "60.0", "60;a=b", "٣", "2147483647", "2147483648", "2147483649",
		"9223372036854775808", "99999999999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Fri, 06 Nov 9999 08:48:37 GMT", "1\x00", "60\r",
	} {
		f.Add(s, int64(784_111_740))
	}
	f.Fuzz(func(t *testing.T, field string, clock int64) {
		lines, now := strings.Split(field, "\n"), someTime(clock, 1970, 2149)
		member, _, _ := strings.Cut(lines[0], ",")
		want, valid := wantSeconds(member)
		age, ok := httpfield.Age(lines)
		require.Equal(t, valid, ok)
		require.Equal(t, want, age)

		want, valid = wantSeconds(lines[0])
		if !valid {
			var at time.Time
			if at, valid = wantDate(lines[0], now); valid {
				want = max(0, at.Sub(now))
			}
		}
		wait, ok := httpfield.RetryAfter(lines, now)
		require.Equal(t, valid, ok)
		require.Equal(t, want, wait)
	})
}

// wantSeconds reads delta-seconds, which saturate at 2³¹ (RFC 9111 §1.2.2).
func wantSeconds(s string) (time.Duration, bool) {
	if s = strings.Trim(s, " \t"); !numberText.MatchString(s) {
		return 0, false
	}
	n, _ := new(big.Int).SetString(s, 10)
	if most := big.NewInt(1 << 31); n.Cmp(most) > 0 {
		n = most
	}
	return time.Duration(n.Int64()) * time.Second, true
}
