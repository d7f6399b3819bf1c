// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestParseDate(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, s := range []string{
		"Sun, 06 Nov 1994 08:49:37 GMT",  // RFC 9110 §5.6.7 IMF-fixdate
		"Sunday, 06-Nov-94 08:49:37 GMT", // RFC 850
		"Sun Nov  6 08:49:37 1994",       // asctime
		"Sun Nov 06 08:49:37 1994",       // asctime, date3 with two digits
		"sun, 06 NOV 1994 08:49:37 gMT",  // RFC 9111 §4.2: in either case
		"SUNDAY, 06-nov-94 08:49:37 gmt",
		" Sun, 06 Nov 1994 08:49:37 GMT\t",
		"Mon, 06 Nov 1994 08:49:37 GMT", // the wrong day of the week
	} {
		got, ok := httpfield.ParseDate(s)
		require.True(t, ok, s)
		require.True(t, want.Equal(got), s)
	}
}

func TestParseDateIsStrict(t *testing.T) {
	for _, s := range []string{
		"", "0", "-1", "now",
		"Sun, 06 Nov 1994 08:49:37 UTC", // RFC 9111 §4.2: zones other than GMT
		"Sunday, 06-Nov-94 08:49:37 EST",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun,  06 Nov 1994 08:49:37 GMT", "Sun, 06  Nov  1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37.5 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, x", "Sun Nov 6 08:49:37 1994",
		"Sun, 06 Nov 12345 08:49:37 GMT",
	} {
		_, ok := httpfield.ParseDate(s)
		require.False(t, ok, s)
	}
}

func TestParseDateFarYears(t *testing.T) {
	for _, year := range []int{1, 1969, 2039, 2287, 9999} {
		want := time.Date(year, 8, 18, 2, 1, 18, 0, time.UTC)
		got, ok := httpfield.ParseDate(want.Format(http.TimeFormat))
		require.True(t, ok)
		require.True(t, want.Equal(got))
	}
}

// RFC 9110 §5.6.7: years of two digits more than 50 years ahead have passed.
func TestParseDateCentury(t *testing.T) {
	cases := []struct {
		now  int
		year string
		want int
	}{
		{2026, "26", 2026}, {2026, "27", 2027}, {2026, "75", 2075}, {2026, "77", 1977}, {2026, "99", 1999},
		{1999, "00", 2000}, {1999, "50", 1950}, {2090, "10", 2110}, {2090, "89", 2089},
	}
	for _, c := range cases {
		got, ok := httpfield.ParseDateAt("Sunday, 06-Nov-"+c.year+" 08:49:37 GMT", time.Date(c.now, 1, 1, 0, 0, 0, 0, time.UTC))
		require.True(t, ok)
		require.Equal(t, c.want, got.Year(), "%s in %d", c.year, c.now)
	}
}

// What is accepted is, in some case and with some weekday, exactly one of the
// three forms of the same instant.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun", ",", "Sun, 29 Feb 2000 23:59:60 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := httpfield.ParseDateAt(s, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if !ok {
			return
		}
		again, ok := httpfield.ParseDate(got.Format(http.TimeFormat))
		require.True(t, ok)
		require.True(t, got.Equal(again))
	})
}
