// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

const (
	rfc850Form  = "Monday, 02-Jan-06 15:04:05 GMT"
	fixdateForm = "Mon, 02 Jan 2006 15:04:05 GMT"
)

// The three forms of RFC 9110 §5.6.7 in either case, which the second flag allows for
// letters of ASCII only. Any day of the week will do.
var dateTexts = [...]*regexp.Regexp{
	anyCase(`^(?:DAY), (?P<day>DD) (?P<month>MON) (?P<year>DDDD) (?P<hour>DD):(?P<min>DD):(?P<sec>DD) GMT$`),
	anyCase(`^(?:LONG), (?P<day>DD)-(?P<month>MON)-(?P<year>DD) (?P<hour>DD):(?P<min>DD):(?P<sec>DD) GMT$`),
	anyCase(`^(?:DAY) (?P<month>MON) (?P<day> D|DD) (?P<hour>DD):(?P<min>DD):(?P<sec>DD) (?P<year>DDDD)$`),
}

func anyCase(form string) *regexp.Regexp {
	var out strings.Builder
	named := strings.NewReplacer("DAY", "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "LONG", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
		"MON", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec", "D", "[0-9]").Replace(form)
	group := false
	for i, c := range named {
		upper, lower := strings.ToUpper(string(c)), strings.ToLower(string(c))
		group = group && c != '>' || strings.HasPrefix(named[i:], "?P<")
		if upper == lower || group {
			out.WriteRune(c)
			continue
		}
		out.WriteString("[" + upper + lower + "]")
	}
	return regexp.MustCompile(out.String())
}

// wantDate reads a date by its form. A leap second (RFC 9110 §5.6.7 allows 60) is
// refused, as nobody sends one.
func wantDate(s string, now time.Time) (time.Time, bool) {
	s = strings.Trim(s, " \t")
	for _, form := range dateTexts {
		m := form.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		part := func(name string) int {
			n, _ := strconv.Atoi(strings.TrimSpace(m[form.SubexpIndex(name)]))
			return n
		}
		month := 1 + strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(m[form.SubexpIndex("month")]))/3
		at := func(year int) time.Time {
			return time.Date(year, time.Month(month), part("day"), part("hour"), part("min"), part("sec"), 0, time.UTC)
		}
		year := part("year")
		if len(m[form.SubexpIndex("year")]) == 2 { // the last such year that isn't more than 50 years ahead
			for year += now.Year() - now.Year()%100 + 200; at(year).After(now.AddDate(50, 0, 0)); {
				year -= 100
			}
		}
		t := at(year)
		exists := t.Day() == part("day") && part("hour") < 24 && part("min") < 60 && part("sec") < 60
		return t, exists
	}
	return time.Time{}, false
}

// Dates that are read are those of the three forms, and are read as they say.
func FuzzDateReading(f *testing.F) {
	for _, s := range []string{
		"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994", "sun, 06 NOV 1994 08:49:37 gMT",
		"SUNDAY, 06-nov-94 08:49:37 gmt", " Sun, 06 Nov 1994 08:49:37 GMT\t", "Mon, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0000 00:00:00 GMT",
		"", "0", "-1", "now", "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 EST", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37", "Sun,  06 Nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37.5 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 2000 23:59:60 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT, x", "Sun Nov 6 08:49:37 1994", "Sun, 06 Nov 12345 08:49:37 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT", "Sunday, 06-Nov-76 08:49:37 GMT",
		"Mon Jan  1 00:00:00 2300", "\u017fun, 06 \u017fep 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37,5 GMT", "Sunday, 29-Feb-76 08:49:37 GMT",
	} {
		f.Add(s, int64(1_767_225_600))
		f.Add(s, int64(946_684_799))
	}
	f.Fuzz(func(t *testing.T, s string, clock int64) {
		now := someTime(clock, 1970, 2149) // in between, every two-digit year that has a 29 February is a leap year
		want, valid := wantDate(s, now)
		got, ok := httpfield.ParseDateAt(s, now)
		require.Equal(t, valid, ok)
		if ok {
			require.Equal(t, want, got.UTC())
		}
	})
}

// What is written in one of the forms is read again, in whatever case.
func FuzzDateForms(f *testing.F) {
	for _, at := range []int64{0, 784_111_777, 951_782_400, 1<<31 - 1, 1 << 31, 4_294_967_296, 9_999_999_999, -62_135_596_800, 253_402_300_799} {
		f.Add(at, int64(1_767_225_600))
	}
	f.Fuzz(func(t *testing.T, seconds, clock int64) {
		want, now := someTime(seconds, 1, 9999), someTime(clock, 1970, 2149)
		for _, form := range []string{fixdateForm, time.ANSIC, rfc850Form} {
			text := want.Format(form)
			for _, text := range []string{text, strings.ToUpper(text), strings.ToLower(text), " " + text + "\t"} {
				got, ok := httpfield.ParseDateAt(text, now)
				if form != rfc850Form {
					require.True(t, ok, text)
					require.True(t, want.Equal(got), text)
				} else if ok { // 29 February may not exist in the century that is meant
					require.Equal(t, want.Format(form)[len(want.Format("Monday")):], got.Format(form)[len(got.Format("Monday")):])
					require.False(t, got.After(now.AddDate(50, 0, 0)), "not more than 50 years ahead")
					require.True(t, got.AddDate(100, 0, 0).After(now.AddDate(50, 0, 0)), "the last such year")
				}
				_, ok = httpfield.ParseDateAt(text+"x", now)
				require.False(t, ok, text)
			}
		}
	})
}

// someTime makes any number a time of these years, and leaves those alone that are.
func someTime(seconds int64, firstYear, lastYear int) time.Time {
	first, end := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC)
	span := end.Unix() - first.Unix()
	if seconds < first.Unix() || seconds >= end.Unix() {
		seconds = first.Unix() + (seconds%span+span)%span
	}
	return time.Unix(seconds, 0).UTC()
}
