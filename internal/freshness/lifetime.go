// SPDX-License-Identifier: MIT

package freshness

import (
	"math"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/store"
)

// Explicit returns the freshness lifetime that the origin gave, and by what
// (RFC 9111 §4.2.1), in a shared cache: s-maxage, else max-age, else Expires. The
// source is SourceNone where the origin said nothing; a lifetime of 0 with
// another source means stale at once. responseTime stands in for a missing Date.
func Explicit(h http.Header, cc cachecontrol.Response, responseTime int64) (time.Duration, store.Source) {
	switch {
	case cc.SMaxAge != cachecontrol.Absent: // RFC 9111 §5.2.2.10
		return cc.SMaxAge, store.SourceSMaxAge
	case cc.MaxAge != cachecontrol.Absent: // RFC 9111 §5.2.2.1
		return cc.MaxAge, store.SourceMaxAge
	case len(h["Expires"]) > 0: // RFC 9111 §5.3
		return expires(h, responseTime), store.SourceExpires
	}
	return 0, store.SourceNone
}

// Targeted returns the freshness lifetime that a targeted field gave (RFC 9213
// §2.2), in whose presence Expires doesn't count.
func Targeted(cc cachecontrol.Response) (time.Duration, store.Source) {
	d, source := Explicit(nil, cc, 0)
	if source == store.SourceMaxAge {
		source = store.SourceSMaxAge
	}
	return d, source
}

// expires returns Expires minus Date, so that the origin's clock needn't agree
// with ours. What can't be read, "0" first of all, has expired, and so has what
// stands there more than once (RFC 9111 §5.3 and §4.2.1).
func expires(h http.Header, responseTime int64) time.Duration {
	end, ok := single(h["Expires"], responseTime)
	if !ok {
		return 0
	}
	return max(0, end.Sub(dateOrReceipt(h, responseTime)))
}

// dateOrReceipt returns Date, else the time of receipt (RFC 9110 §6.6.1).
func dateOrReceipt(h http.Header, responseTime int64) time.Time {
	if date, ok := dateOf(h, responseTime); ok {
		return date
	}
	return at(responseTime)
}

// Heuristic returns a lifetime for a response whose origin gave none (RFC 9111
// §4.2.2): fraction of the time between Last-Modified and Date, at most limit
// (none if limit is 0 or less). It reports false without a usable Last-Modified,
// and for a status that is not heuristically cacheable unless the response is
// public. Asking Explicit first is the caller's part.
func Heuristic(h http.Header, cc cachecontrol.Response, status int, responseTime int64, fraction float64, limit time.Duration) (time.Duration, bool) {
	if !(fraction > 0) || !cc.Public && !HeuristicallyCacheable(status) {
		return 0, false
	}
	modified, ok := single(h["Last-Modified"], responseTime)
	if !ok {
		return 0, false
	}
	age := dateOrReceipt(h, responseTime).Sub(modified)
	if age <= 0 {
		return 0, false
	}
	d := scale(age, fraction)
	if limit > 0 {
		d = min(d, limit)
	}
	return d, true
}

func scale(d time.Duration, by float64) time.Duration {
	if f := float64(d) * by; f < math.MaxInt64 {
		return time.Duration(f)
	}
	return math.MaxInt64
}
