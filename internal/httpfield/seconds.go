// SPDX-License-Identifier: MIT

package httpfield

import (
	"strings"
	"time"
)

// maxSeconds is where delta-seconds saturate (RFC 9111 §1.2.2).
const maxSeconds = 1 << 31

// seconds reads delta-seconds: digits only.
func seconds(s string) (time.Duration, bool) {
	n, ok := digits(s, maxSeconds)
	return time.Duration(n) * time.Second, ok
}

// digits reads a number without sign that saturates at most.
func digits(s string, most int64) (int64, bool) {
	var n int64
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		if d := int64(s[i] - '0'); n > (most-d)/10 {
			n = most
		} else {
			n = n*10 + d
		}
	}
	return n, s != ""
}

// Age reads the Age of a response (RFC 9111 §5.1): of several values the first
// counts, whatever it is. It reports false if there is none or it is no number.
func Age(lines []string) (time.Duration, bool) {
	if len(lines) == 0 {
		return 0, false
	}
	first, _, _ := strings.Cut(lines[0], ",")
	return seconds(trim(first))
}

// RetryAfter reads Retry-After (RFC 9110 §10.2.3), a number of seconds or a
// date, of which it returns the distance from now, 0 if it has passed. Only the
// first line counts.
func RetryAfter(lines []string, now time.Time) (time.Duration, bool) {
	if len(lines) == 0 {
		return 0, false
	}
	if d, ok := seconds(trim(lines[0])); ok {
		return d, true
	}
	t, ok := ParseDateAt(lines[0], now)
	if !ok {
		return 0, false
	}
	return max(0, t.Sub(now)), true
}
