// SPDX-License-Identifier: MIT

package cachecontrol_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
)

var seeds = []string{
	"", "no-store, max-age=60", `foo="a, no-store"`, `no-cache="Set-Cookie, X", private=Y,public`, `a="\`, "max-age=99999999999999999999",
	"max-age;s-maxage=1", `max-age="6\0"`, "max-stale, min-fresh=1, stale-if-error=2", "\x00=\xff,,", "=;=\"\"",
}

// Whatever a line holds, it must not hide a directive of the next line, and no
// duration is negative unless absent.
func FuzzParseResponse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := cachecontrol.ParseResponse([]string{line, "no-store, private, max-age=7"})
		require.True(t, r.NoStore)
		require.True(t, r.Private)
		require.Nil(t, r.PrivateFields)
		require.LessOrEqual(t, r.MaxAge, 7*time.Second)
		for _, d := range []time.Duration{r.MaxAge, r.SMaxAge, r.StaleIfError, r.StaleWhileRevalidate} {
			require.True(t, d == absent || d >= 0 && d <= most)
		}
		if r.NoCache {
			require.Nil(t, r.NoCacheFields)
		}
	})
}

// A bad directive of a request never touches the others.
func FuzzParseRequest(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := cachecontrol.ParseRequest([]string{line, "no-store, max-age=7, min-fresh=3"}, nil)
		require.True(t, r.NoStore)
		require.LessOrEqual(t, r.MaxAge, 7*time.Second)
		require.GreaterOrEqual(t, r.MinFresh, 3*time.Second)
		for _, d := range []time.Duration{r.MaxAge, r.MinFresh, r.MaxStale, r.StaleIfError} {
			require.True(t, d == absent || d >= 0 && d <= most)
		}
		require.False(t, r.AnyMaxStale && r.MaxStale != absent)
	})
}

// A valid field stays valid with a further member, an invalid one invalid.
func FuzzParseTargeted(f *testing.F) {
	for _, s := range append(seeds, "a=(b \"c\";d=1 :aGk=:), *e=?0", "a=1.5;b;c=-3", "a , b") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		_, alone := cachecontrol.ParseTargeted([]string{line})
		r, ok := cachecontrol.ParseTargeted([]string{"a=1", line, "max-age=7"})
		if alone {
			require.True(t, ok)
			require.Equal(t, 7*time.Second, r.MaxAge)
		}
		if !ok {
			require.False(t, alone)
			require.Zero(t, r)
		}
	})
}
