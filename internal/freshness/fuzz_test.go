// SPDX-License-Identifier: MIT

package freshness_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/store"
)

// Whatever fields and clocks say, nothing is negative, and time never makes a
// response younger.
func FuzzFreshness(f *testing.F) {
	f.Add("max-age=60", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "5", int64(0), int64(1), int64(2))
	f.Add("s-maxage=x", "0", "", "-1", int64(-1<<63), int64(1<<63-1), int64(0))
	f.Add("", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "99999999999", int64(1<<62), int64(-1<<62), int64(7))
	f.Fuzz(func(t *testing.T, control, expires, date, age string, requested, received, now int64) {
		h := http.Header{"Cache-Control": {control}, "Expires": {expires}, "Date": {date}, "Age": {age}, "Last-Modified": {expires}}
		cc := cachecontrol.ParseResponse(h["Cache-Control"])
		initial := freshness.InitialAge(h, requested, received)
		require.GreaterOrEqual(t, initial, time.Duration(0))
		require.GreaterOrEqual(t, freshness.CurrentAge(initial, received, now), initial)
		lifetime, from := freshness.Explicit(h, cc, received)
		require.GreaterOrEqual(t, lifetime, time.Duration(0))
		require.NotEqual(t, store.SourceNone, from)
		guess, ok := freshness.Heuristic(h, cc, 200, received, 0.1, time.Hour)
		require.True(t, guess >= 0 && guess <= time.Hour && (ok || guess == 0))
	})
}
