// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

func TestReport(t *testing.T) {
	from := time.Unix(1000, 0)
	at := func(s float64) time.Time { return from.Add(time.Duration(s * float64(time.Second))) }
	answers := []holdovertest.Answer{
		{Begun: at(1), Took: 4 * time.Millisecond, Made: at(0.5), CacheStatus: "h; hit; ttl=0"},
		{Begun: at(2), Took: 1 * time.Millisecond, Made: at(1), CacheStatus: "h; hit"},
		{Begun: at(3), Took: 2 * time.Millisecond, Made: at(1), CacheStatus: "h; hit; ttl=-1"},
		{Begun: at(4), Took: 3 * time.Millisecond, Made: at(1)},
		{Begun: at(4.5), Took: 3 * time.Millisecond, Made: at(4.4), CacheStatus: "h; hit; ttl=-1"},
		{Begun: at(5), Took: time.Second, Err: errors.New("late")},
	}
	require.Equal(t, holdovertest.Report{
		Answers: 6, Failed: 1, Stale: 3, Untold: 1, LastStale: 4500 * time.Millisecond, Oldest: 3 * time.Second,
		P50: 3 * time.Millisecond, P99: time.Second, Max: time.Second,
	}, holdovertest.NewReport(from, time.Second, answers))
}

func TestReportOfNothing(t *testing.T) {
	require.Zero(t, holdovertest.NewReport(time.Now(), time.Second, nil))
}

func TestReportIsALine(t *testing.T) {
	r := holdovertest.Report{Answers: 10, Failed: 1, Stale: 2, LastStale: 1500 * time.Millisecond, P99: 1234567}
	line := "10 answers, 1 failed, 2 stale (0 untold), the last after 1.50s; p50 0s, p99 1.235ms, max 0s"
	require.Equal(t, line, r.String(), "nobody filled in Arrivals")
	r.Arrivals = 3
	require.Equal(t, line+"; 3 requests reached the origin", r.String())
}

func TestAnswerSaysStale(t *testing.T) {
	for status, stale := range map[string]bool{
		"":                           false,
		"h; hit; ttl=12":             false,
		"h; hit; ttl=-12":            true,
		"a; hit; ttl=1, b; ttl=-1":   true,
		"h; fwd=stale; ttl=-1; foo":  true,
		"h; hit; ttl=-":              false,
		"h; hit; xttl=-1":            false,
		"h; hit; ttl=-0; detail=any": false,
	} {
		require.Equal(t, stale, holdovertest.Answer{CacheStatus: status}.SaysStale(), status)
	}
}
