// SPDX-License-Identifier: MIT

package holdovertest

import (
	"errors"
	"regexp"
	"time"
)

// ErrStatus is the error of an answer that was whole and had another status than
// 200.
var ErrStatus = errors.New("no page")

// ErrWrongPage is the error of an answer with status 200 that ended as if it were whole,
// and isn't the page that was asked for.
var ErrWrongPage = errors.New("not the page")

// Answer is what a client got.
type Answer struct {
	// Path is what was asked for.
	Path string
	// Begun is when the request was sent.
	Begun time.Time
	// Took is how long it took until the whole answer was there, or until
	// the client gave up.
	Took time.Duration
	// Status is 0 where no header came.
	Status int
	// Err is nil only if the right page came, whole and in time. It wraps ErrStatus for
	// an answer with another status, ErrWrongPage for anything else that passes for a page,
	// and context.DeadlineExceeded where the client ran out of patience.
	Err error
	// Made is when the page was made, by its own word. It is zero if Err isn't nil.
	Made time.Time
	// CacheStatus is the field Cache-Status (RFC 9211), its lines joined by ", ".
	CacheStatus string
}

// Age returns how old the page was when it was asked for: 0 if it was made after that,
// or there is none.
func (a Answer) Age() time.Duration {
	if a.Err != nil {
		return 0
	}
	return max(a.Begun.Sub(a.Made), 0)
}

// SaysStale reports whether Cache-Status says that the answer is stale, by a negative ttl
// of a cache on its way (RFC 9211 §2.4).
func (a Answer) SaysStale() bool { return negativeTTL.MatchString(a.CacheStatus) }

var negativeTTL = regexp.MustCompile(`\bttl=-[1-9]`)
