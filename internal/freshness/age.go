// SPDX-License-Identifier: MIT

// Package freshness computes ages and freshness lifetimes by RFC 9111 §4.2, as
// pure functions of fields and instants. Instants are Unix times in nanoseconds;
// durations saturate and are never negative.
package freshness

import (
	"math"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/httpfield"
)

// InitialAge returns corrected_initial_age (RFC 9111 §4.2.3): the age that a
// response had when it arrived. requestTime is when its fetch began,
// responseTime when its header came. A Date or Age that can't be read counts as
// absent.
func InitialAge(h http.Header, requestTime, responseTime int64) time.Duration {
	ageValue, _ := httpfield.Age(h["Age"]) // 0 where absent (§4.2.3, age_value)
	responseDelay := between(requestTime, responseTime)
	return max(apparentAge(h, responseTime), add(ageValue, responseDelay)) // corrected_age_value
}

// apparentAge compares whole seconds, as Date has no more: else a response would
// arrive aged by the part of the second in which it was made.
func apparentAge(h http.Header, responseTime int64) time.Duration {
	date, ok := dateOf(h, responseTime)
	if !ok {
		return 0
	}
	return max(0, at(responseTime).Truncate(time.Second).Sub(date))
}

// CurrentAge returns current_age (RFC 9111 §4.2.3) at now: the initial age and
// the time that the response has been here since responseTime. Where the clock
// went back, that is zero.
func CurrentAge(initial time.Duration, responseTime, now int64) time.Duration {
	return add(max(0, initial), between(responseTime, now))
}

// dateOf returns the Date of a response. One that can't be read, or that stands
// there more than once, counts as absent.
func dateOf(h http.Header, now int64) (time.Time, bool) {
	return single(h["Date"], now)
}

// single reads a field that must have one line, and in it a date.
func single(lines []string, now int64) (time.Time, bool) {
	if len(lines) != 1 {
		return time.Time{}, false
	}
	return httpfield.ParseDateAt(lines[0], at(now))
}

func at(unixNano int64) time.Time { return time.Unix(0, unixNano).UTC() }

// between returns the time from a to b, at least 0.
func between(a, b int64) time.Duration {
	if b <= a {
		return 0
	}
	if d := b - a; d > 0 {
		return time.Duration(d)
	}
	return math.MaxInt64 // b − a doesn't fit
}

// add saturates; neither argument is negative.
func add(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
