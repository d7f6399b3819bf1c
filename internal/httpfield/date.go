// SPDX-License-Identifier: MIT

package httpfield

import (
	"net/http"
	"strings"
	"time"
)

// The forms of RFC 9110 §5.6.7. The zone is literal: RFC 9111 §4.2 calls any
// other than GMT invalid. The asctime form may fill its day with a blank or 0.
var dateForms = [...]string{
	http.TimeFormat,
	"Monday, 02-Jan-06 15:04:05 GMT",
	time.ANSIC,
	"Mon Jan 02 15:04:05 2006",
}

// ParseDate reads an HTTP-date in one of its three forms (RFC 9110 §5.6.7).
// Letters may have either case (RFC 9111 §4.2), anything else must be exact, but
// that the day of the week isn't held against the date.
func ParseDate(s string) (time.Time, bool) { return ParseDateAt(s, time.Now()) }

// ParseDateAt is ParseDate with the time by which a year of two digits gets its
// century.
func ParseDateAt(s string, now time.Time) (time.Time, bool) {
	s = trim(s)
	for i, form := range dateForms {
		t, ok := parseExact(form, s)
		if !ok {
			continue
		}
		if i == 1 {
			return inCentury(t, now)
		}
		return t, true
	}
	return time.Time{}, false
}

// parseExact undoes what time.Parse forgives (missing zeros, doubled blanks,
// fractions): the result written again must be what was read.
func parseExact(form, s string) (time.Time, bool) {
	t, err := time.Parse(form, s)
	if err != nil {
		if t, err = time.Parse(form, upper(s)); err != nil {
			return time.Time{}, false
		}
	}
	var buf [48]byte
	return t, equalFold(afterWeekday(string(t.AppendFormat(buf[:0], form))), afterWeekday(s))
}

func afterWeekday(s string) string { return s[strings.IndexAny(s, ", "):] }

// upper changes letters of ASCII only.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// inCentury reads two digits as RFC 9110 §5.6.7 says: what looks more than 50
// years ahead is the most recent such year that has passed. It reports false for a
// 29 February that this year lacks.
func inCentury(t, now time.Time) (time.Time, bool) {
	limit := now.UTC().AddDate(50, 0, 0)
	year := limit.Year() - limit.Year()%100 + t.Year()%100
	in := t.AddDate(year-t.Year(), 0, 0)
	if in.After(limit) {
		in = t.AddDate(year-100-t.Year(), 0, 0)
	}
	return in, in.Day() == t.Day()
}
