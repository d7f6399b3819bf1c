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
			t = inCentury(t, now)
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
		if t, err = time.Parse(form, strings.ToUpper(s)); err != nil {
			return time.Time{}, false
		}
	}
	var buf [48]byte
	return t, strings.EqualFold(afterWeekday(string(t.AppendFormat(buf[:0], form))), afterWeekday(s))
}

func afterWeekday(s string) string { return s[strings.IndexAny(s, ", "):] }

// inCentury reads two digits as RFC 9110 §5.6.7 says: what looks more than 50
// years ahead is the most recent such year that has passed.
func inCentury(t, now time.Time) time.Time {
	now = now.UTC()
	year := now.Year() - now.Year()%100 + t.Year()%100
	t = t.AddDate(year-t.Year(), 0, 0)
	if t.After(now.AddDate(50, 0, 0)) {
		return t.AddDate(-100, 0, 0)
	}
	if !t.AddDate(100, 0, 0).After(now.AddDate(50, 0, 0)) {
		return t.AddDate(100, 0, 0)
	}
	return t
}
