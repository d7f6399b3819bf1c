// SPDX-License-Identifier: MIT

package freshness_test

import (
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/store"
)

const sec = time.Second

// received is 0.7 s into a second, which Date can't tell.
var (
	second   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	received = second.Add(700 * time.Millisecond).UnixNano()
)

// date returns the HTTP-date d after the second of receipt.
func date(d time.Duration) string { return second.Add(d).Format(http.TimeFormat) }

func TestInitialAge(t *testing.T) { // RFC 9111 §4.2.3
	cases := []struct {
		name  string
		h     http.Header
		delay time.Duration
		want  time.Duration
	}{
		{"nothing known", http.Header{}, 0, 0},
		{"Date is this second", http.Header{"Date": {date(0)}}, 0, 0},
		{"apparent_age", http.Header{"Date": {date(-60 * sec)}}, 0, 60 * sec},
		{"Date in the future", http.Header{"Date": {date(60 * sec)}}, 0, 0},
		{"age_value", http.Header{"Age": {"30"}}, 0, 30 * sec},
		{"response_delay", http.Header{"Date": {date(0)}}, 3 * sec, 3 * sec},
		{"corrected_age_value", http.Header{"Age": {"30"}}, 3 * sec, 33 * sec},
		{"the larger is Date's", http.Header{"Date": {date(-60 * sec)}, "Age": {"30"}}, 3 * sec, 60 * sec},
		{"the larger is Age's", http.Header{"Date": {date(-10 * sec)}, "Age": {"30"}}, 0, 30 * sec},
		{"bad Date", http.Header{"Date": {"yesterday"}, "Age": {"30"}}, 0, 30 * sec},
		{"two Dates", http.Header{"Date": {date(-60 * sec), date(-60 * sec)}}, 0, 0},
		{"bad Age", http.Header{"Date": {date(-5 * sec)}, "Age": {"x"}}, 0, 5 * sec},
		{"clock went back", http.Header{"Age": {"1"}}, -5 * sec, sec},
		{"saturates", http.Header{"Age": {"99999999999"}}, math.MaxInt64, math.MaxInt64},
		{"year 1", http.Header{"Date": {"Mon, 01 Jan 0001 00:00:00 GMT"}}, 0, math.MaxInt64},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, freshness.InitialAge(c.h, received-int64(c.delay), received))
		})
	}
}

func TestCurrentAge(t *testing.T) { // RFC 9111 §4.2.3
	cases := []struct {
		name          string
		initial       time.Duration
		response, now int64
		want          time.Duration
	}{
		{"on arrival", 5 * sec, received, received, 5 * sec},
		{"resident_time", 5 * sec, received, received + int64(2*sec), 7 * sec},
		{"clock went back", 5 * sec, received, received - 1, 5 * sec},
		{"negative initial", -1, received, received + 1, 1},
		{"sum saturates", math.MaxInt64, 0, 1, math.MaxInt64},
		{"difference saturates", 0, math.MinInt64, math.MaxInt64, math.MaxInt64},
		{"difference saturates backwards", 0, math.MaxInt64, math.MinInt64, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, freshness.CurrentAge(c.initial, c.response, c.now))
		})
	}
}

func TestExplicit(t *testing.T) { // RFC 9111 §4.2.1
	cases := []struct {
		name string
		h    http.Header
		want time.Duration
		from store.Source
	}{
		{"silent", http.Header{"Date": {date(0)}, "Last-Modified": {date(-100 * sec)}}, 0, store.SourceNone},
		{"s-maxage wins (§5.2.2.10)", http.Header{"Cache-Control": {"max-age=1, s-maxage=2"}, "Expires": {date(9 * sec)}}, 2 * sec, store.SourceSMaxAge},
		{"max-age wins over Expires (§5.3)", http.Header{"Cache-Control": {"max-age=1"}, "Expires": {date(9 * sec)}}, sec, store.SourceMaxAge},
		{"max-age=0", http.Header{"Cache-Control": {"max-age=0"}, "Expires": {date(9 * sec)}}, 0, store.SourceMaxAge},
		{"bad max-age", http.Header{"Cache-Control": {"max-age=x"}, "Expires": {date(9 * sec)}}, 0, store.SourceMaxAge},
		{"bad s-maxage", http.Header{"Cache-Control": {"s-maxage, max-age=9"}}, 0, store.SourceSMaxAge},
		{"Expires - Date, not - now", http.Header{"Date": {date(-100 * sec)}, "Expires": {date(-40 * sec)}}, 60 * sec, store.SourceExpires},
		{"Expires equals Date", http.Header{"Date": {date(0)}, "Expires": {date(0)}}, 0, store.SourceExpires},
		{"Expires before Date", http.Header{"Date": {date(0)}, "Expires": {date(-sec)}}, 0, store.SourceExpires},
		{"Expires: 0", http.Header{"Date": {date(0)}, "Expires": {"0"}}, 0, store.SourceExpires},
		{"empty Expires", http.Header{"Expires": {""}}, 0, store.SourceExpires},
		{"several Expires", http.Header{"Date": {date(0)}, "Expires": {date(60 * sec), date(60 * sec)}}, 0, store.SourceExpires},
		{"loose Expires", http.Header{"Date": {date(0)}, "Expires": {"Fri, 01  Jan 2100 00:00:00 GMT"}}, 0, store.SourceExpires},
		{"no Date: from receipt", http.Header{"Expires": {date(60 * sec)}}, 59300 * time.Millisecond, store.SourceExpires},
		{"bad Date: from receipt", http.Header{"Date": {"x"}, "Expires": {date(60 * sec)}}, 59300 * time.Millisecond, store.SourceExpires},
		{"several Dates: from receipt", http.Header{"Date": {date(-60 * sec), date(0)}, "Expires": {date(60 * sec)}}, 59300 * time.Millisecond, store.SourceExpires},
		{"far future", http.Header{"Date": {date(0)}, "Expires": {"Fri, 31 Dec 9999 23:59:59 GMT"}}, math.MaxInt64, store.SourceExpires},
		{"after 2038", http.Header{"Date": {"Thu, 18 Aug 2050 02:01:18 GMT"}, "Expires": {"Thu, 18 Aug 2050 02:01:20 GMT"}}, 2 * sec, store.SourceExpires},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, from := freshness.Explicit(c.h, cachecontrol.ParseResponse(c.h["Cache-Control"]), received)
			require.Equal(t, c.want, got)
			require.Equal(t, c.from, from)
		})
	}
}

func TestTargeted(t *testing.T) { // RFC 9213 §2.2
	for line, want := range map[string]time.Duration{"max-age=5": 5 * sec, "s-maxage=5, max-age=9": 5 * sec, "max-age=x": 0} {
		cc, ok := cachecontrol.ParseTargeted([]string{line})
		require.True(t, ok)
		got, from := freshness.Targeted(cc)
		require.Equal(t, want, got, line)
		require.Equal(t, store.SourceSMaxAge, from, line)
	}
	cc, _ := cachecontrol.ParseTargeted([]string{"public"})
	_, from := freshness.Targeted(cc)
	require.Equal(t, store.SourceNone, from)
}

func TestHeuristic(t *testing.T) { // RFC 9111 §4.2.2
	modified := http.Header{"Date": {date(0)}, "Last-Modified": {date(-1000 * sec)}}
	cases := []struct {
		name     string
		h        http.Header
		cc       string
		status   int
		fraction float64
		limit    time.Duration
		want     time.Duration
	}{
		{"a tenth", modified, "", 200, 0.1, time.Hour, 100 * sec},
		{"limit", modified, "", 200, 0.1, time.Minute, time.Minute},
		{"no limit", modified, "", 200, 2, 0, 2000 * sec},
		{"no fraction", modified, "", 200, 0, time.Hour, 0},
		{"NaN", modified, "", 200, math.NaN(), time.Hour, 0},
		{"status", modified, "", 201, 0.1, time.Hour, 0},
		{"unknown status", modified, "", 299, 0.1, time.Hour, 0},
		{"public status", modified, "public", 201, 0.1, time.Hour, 100 * sec},
		{"404", modified, "", 404, 0.1, time.Hour, 100 * sec},
		{"no Last-Modified", http.Header{"Date": {date(0)}, "Etag": {`"a"`}}, "", 200, 0.1, time.Hour, 0},
		{"bad Last-Modified", http.Header{"Date": {date(0)}, "Last-Modified": {"x"}}, "", 200, 0.1, time.Hour, 0},
		{"two Last-Modified", http.Header{"Last-Modified": {date(-sec), date(-sec)}}, "", 200, 0.1, time.Hour, 0},
		{"modified later", http.Header{"Date": {date(0)}, "Last-Modified": {date(sec)}}, "", 200, 0.1, time.Hour, 0},
		{"modified now", http.Header{"Date": {date(0)}, "Last-Modified": {date(0)}}, "", 200, 0.1, time.Hour, 0},
		{"no Date: from receipt", http.Header{"Last-Modified": {date(-9300 * time.Millisecond)}}, "", 200, 0.1, time.Hour, 1070 * time.Millisecond},
		{"saturates", http.Header{"Last-Modified": {"Mon, 01 Jan 0001 00:00:00 GMT"}}, "", 200, 1e9, 0, math.MaxInt64},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cc := cachecontrol.ParseResponse([]string{c.cc})
			got, ok := freshness.Heuristic(c.h, cc, c.status, received, c.fraction, c.limit)
			require.Equal(t, c.want > 0, ok)
			require.Equal(t, c.want, got)
		})
	}
}

func TestStatuses(t *testing.T) {
	heuristic := []int{200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501} // RFC 9110 §15.1
	notUnderstood := []int{206, 304, 306, 407, 416, 418, 419, 420, 423, 424, 425, 427, 428, 429, 430, 431}
	for status := 200; status < 600; status++ {
		require.Equal(t, slices.Contains(heuristic, status), freshness.HeuristicallyCacheable(status), status)
	}
	for _, status := range notUnderstood {
		require.False(t, freshness.Understood(status), status)
	}
	for status := 100; status < 600; status++ { // those without a name are unknown to us
		if http.StatusText(status) == "" || status < 200 {
			require.False(t, freshness.Understood(status), status)
		}
	}
	for _, status := range []int{200, 203, 204, 301, 302, 307, 308, 403, 404, 410, 421, 426, 451, 500, 503, 505} {
		require.True(t, freshness.Understood(status), status)
	}
}
