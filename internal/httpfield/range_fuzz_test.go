// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

// The grammars of RFC 9110 §14.1.2 and §14.4.
var (
	rangeSet     = regexp.MustCompile(`^[ \t]*[bB][yY][tT][eE][sS]=([0-9 \t,-]*)$`)
	rangeSpec    = regexp.MustCompile(`^(?:([0-9]+)-([0-9]*)|-([0-9]+))$`)
	contentRange = regexp.MustCompile(`^[ \t]*[bB][yY][tT][eE][sS] (?:([0-9]+)-([0-9]+)/(?:\*|([0-9]+))|\*/([0-9]+))[ \t]*$`)
)

// number reads digits; those beyond 63 bits are all the same.
func number(digits string) int64 {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// wantRanges reads a Range field byte by byte of the body, so to speak: a range is
// where both its ends say, as far as there is a body.
func wantRanges(field string, size int64) (ranges []httpfield.Range, ok bool) {
	set := rangeSet.FindStringSubmatch(field)
	if set == nil || size <= 0 {
		return nil, false
	}
	count, total := 0, new(big.Int)
	for spec := range strings.SplitSeq(set[1], ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue
		}
		m := rangeSpec.FindStringSubmatch(spec)
		if m == nil {
			return nil, false
		}
		count++
		first, last := number(m[1]), number(m[2])
		if m[3] != "" {
			first, last = size-min(size, number(m[3])), size-1
		} else if last < first {
			return nil, false
		}
		if last = min(last, size-1); first <= last {
			ranges = append(ranges, httpfield.Range{Start: first, Length: last - first + 1})
			total.Add(total, big.NewInt(last-first+1))
		}
	}
	if count == 0 || count > 64 || total.Cmp(big.NewInt(size)) > 0 {
		return nil, false
	}
	return ranges, true
}

var rangeSeeds = []string{
	"bytes=0-4", "BYTES=0-0", " bytes=0-4 ", "bytes=5-", "bytes=-3", "bytes=-10", "bytes=-99", "bytes=5-99", "bytes=5-99999999999999999999", "bytes=0-1, 4-5 ,-2", "bytes=,0-1,,4-5,",
	"bytes=4-5,0-1", "bytes=0-1,99-", "bytes=0-3,2-5", "bytes=10-", "bytes=-0", "bytes=99999999999999999999-", "bytes=99999999999999999999-5", "bytes=10-,-0", "bytes=1-9223372036854775807",
	"", "bytes", "bytes=", "bytes=,", "lines=0-1", "bytes =0-1", "bytes=5-4", "bytes=0-1,5-4", "bytes=-", "bytes=--1", "bytes=0 - 1", "bytes=+0-1", "bytes=5", "bytes=0-1-2", "bytes=0-1;x",
	"bytes=0-,0-", "bytes=-6,0-5", "byte\u017f=0-1", "bytes=" + strings.Repeat("0-0,", 64), "bytes=" + strings.Repeat("0-0,", 65),
}

// Valid fields give what they say, in their order; all others are ignored.
func FuzzRangeReading(f *testing.F) {
	for _, s := range rangeSeeds {
		f.Add(s, int64(10))
		f.Add(s, int64(100))
	}
	f.Add("bytes=0-", int64(0))
	f.Add("bytes=0-0,9223372036854775806-", int64(math.MaxInt64))
	f.Add("bytes=-9223372036854775807,0-", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, field string, size int64) {
		want, valid := wantRanges(field, size)
		ranges, satisfiable, ok := httpfield.ParseRange(field, size)
		require.Equal(t, valid, ok)
		require.Equal(t, want, ranges)
		require.Equal(t, len(want) > 0, satisfiable)
	})
}

func FuzzContentRangeReading(f *testing.F) {
	for _, s := range []string{
		"bytes 0-4/10", "Bytes 0-4/*", "bytes */10", "bytes */0", " bytes 9-9/10 ", "bytes 0-9223372036854775806/9223372036854775807", "bytes 0-9223372036854775807/*",
		"", "bytes", "bytes ", "bytes 0-4", "bytes=0-4/10", "lines 0-4/10", "bytes 4-0/10", "bytes 0-10/10", "bytes -4/10", "bytes 0-/10", "bytes 0-4/", "bytes */*", "bytes */",
		"bytes 0-4/-1", "bytes  0-4/10", "bytes 0-4 /10", "bytes 0-4/10/11", "bytes 0-4/9223372036854775808", "bytes 0-4/000000000000000000000010", "byte\u017f 0-4/10",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, valid := wantContentRange(s)
		c, ok := httpfield.ParseContentRange(s)
		require.Equal(t, valid, ok)
		require.Equal(t, want, c)
	})
}

// wantContentRange refuses numbers beyond 63 bits.
func wantContentRange(s string) (none httpfield.ContentRange, ok bool) {
	m := contentRange.FindStringSubmatch(s)
	if m == nil {
		return none, false
	}
	var n [5]int64
	for i, digits := range m[1:] {
		value, known := new(big.Int).SetString(digits, 10)
		if digits == "" {
			n[i+1] = -1
			continue
		}
		if !known || !value.IsInt64() {
			return none, false
		}
		n[i+1] = value.Int64()
	}
	if n[4] >= 0 {
		return httpfield.ContentRange{Size: n[4], Unsatisfied: true}, true
	}
	if n[1] > n[2] || n[3] >= 0 && n[2] >= n[3] {
		return none, false
	}
	return httpfield.ContentRange{Start: n[1], End: n[2], Size: n[3]}, true
}
