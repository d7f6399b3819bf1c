// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBlanks(t *testing.T) {
	b := blanks{start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), base: "http://example.com"}
	for text, want := range map[string]string{
		"plain {x}":                "plain {x}",
		"{start}":                  "Fri, 02 Jan 2026 03:04:05 GMT",
		"a {start-1h}, {start+1m}": "a Fri, 02 Jan 2026 02:04:05 GMT, Fri, 02 Jan 2026 03:05:05 GMT",
		"{start+24h|rfc850}":       "Saturday, 03-Jan-26 03:04:05 GMT",
		"{start|asctime}":          "Fri Jan  2 03:04:05 2026",
		"{base}/a":                 "http://example.com/a",
	} {
		require.Equal(t, want, b.expand(text))
	}
	now, err := http.ParseTime(b.expand("{now-1h}"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(-time.Hour), now, 5*time.Second)

	h := http.Header{}
	b.set(h, Lines{"a: 1", "A:2", "Date", "X: a: b"})
	require.Equal(t, http.Header{"A": {"1", "2"}, "Date": nil, "X": {"a: b"}}, h)
}

func TestCacheStatus(t *testing.T) {
	h := http.Header{"Cache-Status": {`other; hit, "a, mine; hit"`, `mine; fwd=stale; ttl=-3; detail="a; stored"`}}
	for expected, ok := range map[string]bool{
		"fwd": true, "fwd=stale": true, "fwd=miss": false, "!fwd=miss": true, "hit": false, "!hit": true,
		"ttl=-3": true, "ttl=-4..-1": true, "ttl=0..5": false, "stored": false, `detail="a; stored"`: true,
	} {
		wrong := judgeCacheStatus("mine", Want{By: Anyone, CacheStatus: expected}, h)
		require.Equal(t, ok, len(wrong) == 0, expected)
	}
	require.NotEmpty(t, judgeCacheStatus("mine", Want{By: Stored}, h))
	require.Empty(t, judgeCacheStatus("mine", Want{By: Forwarded}, h))
	require.NotEmpty(t, judgeCacheStatus("nobody", Want{By: Anyone}, h), "our member is missing")
	h.Add("Cache-Status", "mine; hit")
	require.NotEmpty(t, judgeCacheStatus("mine", Want{By: Anyone}, h), "our member is there twice")
}

func TestWhatRunsWhere(t *testing.T) {
	short := Case{Steps: []Step{{Pass: time.Second}, {Origin: Answer{Delay: time.Second}}}}
	long := Case{Steps: []Step{{Pass: time.Second}, {Origin: Answer{Delay: time.Second}, Then: []Answer{{Pause: 3 * time.Second}}}}}
	require.Equal(t, 2*time.Second, short.takes())
	require.Equal(t, 4*time.Second, long.takes())
	for _, tr := range Transports {
		require.True(t, short.runs(Safe, tr))
		require.Equal(t, tr == Direct, long.runs(Safe, tr))
		require.Equal(t, tr == Direct, Case{Not: OnlyDirect("why")}.runs(RFC, tr))
		require.False(t, Case{For: Safe}.runs(RFC, tr))
		require.True(t, Case{For: RFC}.runs(RFC, tr))
	}
}
