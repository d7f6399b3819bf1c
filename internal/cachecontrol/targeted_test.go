// SPDX-License-Identifier: MIT

package cachecontrol_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
)

func TestParseTargeted(t *testing.T) {
	cases := []responseCase{
		{"max-age (RFC 9213 §2.1)", []string{"max-age=60"}, func(r *cachecontrol.Response) { r.MaxAge = time.Minute }},
		{"saturates", []string{"max-age=99999999999, s-maxage=999999999999999"}, func(r *cachecontrol.Response) { r.MaxAge, r.SMaxAge = most, most }},
		{"extensions", []string{"foo, bar=1.5;x, baz=(a \"b\";c=1 :aGk=:), *q=t/x:1;y=?0, max-age=60"}, func(r *cachecontrol.Response) { r.MaxAge = time.Minute }},
		{"parameters are ignored", []string{"max-age=60;a;b=2;c=\"3\""}, func(r *cachecontrol.Response) { r.MaxAge = time.Minute }},
		{"lines are joined", []string{"max-age=60", "no-store"}, func(r *cachecontrol.Response) { r.MaxAge, r.NoStore = time.Minute, true }},
		{"the last of equal keys (RFC 8941 §4.2.2)", []string{"max-age=1, max-age=60"}, func(r *cachecontrol.Response) { r.MaxAge = time.Minute }},
		{"flags", []string{"no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, no-transform, immutable"}, func(r *cachecontrol.Response) {
			r.NoStore, r.NoCache, r.Private, r.Public = true, true, true, true
			r.MustRevalidate, r.ProxyRevalidate, r.MustUnderstand, r.NoTransform, r.Immutable = true, true, true, true, true
		}},
		{"false", []string{"no-store=?0, no-cache=?0, public=?1"}, func(r *cachecontrol.Response) { r.Public = true }},
		{"qualified", []string{`no-cache="x-b, x-a", private=x-c`}, func(r *cachecontrol.Response) {
			r.NoCacheFields, r.PrivateFields = []string{"X-A", "X-B"}, []string{"X-C"}
		}},
		{"names of another type", []string{`no-cache=(a b), private=7`}, func(r *cachecontrol.Response) { r.NoCache, r.Private = true, true }},
		{"wrong types", []string{`max-age="60", s-maxage=1.5, stale-if-error=a, stale-while-revalidate`}, func(r *cachecontrol.Response) { r.MaxAge, r.SMaxAge = 0, 0 }},
		{"negative", []string{"max-age=-60"}, func(r *cachecontrol.Response) { r.MaxAge = 0 }},
		{"windows", []string{"stale-while-revalidate=5,\tstale-if-error=7"}, func(r *cachecontrol.Response) {
			r.StaleWhileRevalidate, r.StaleIfError = 5*time.Second, 7*time.Second
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, ok := cachecontrol.ParseTargeted(c.lines)
			require.True(t, ok)
			require.Equal(t, response(c.want), r)
		})
	}
}

// RFC 9213 §2.1: empty or unparseable fields count as not present.
func TestParseTargetedRefuses(t *testing.T) {
	for _, line := range []string{
		"", "  ", "MaX-aGe=60", "max-age=60, &&&&&", "max-age =60", "max-age= 60", "max-age=60,", ",", "max-age=60 x",
		"max-age=", "a=1234567890123456", "a=1.", "a=1.2345", "a=1234567890123.1", "a=-", `a="x`, `a="\x"`, `a="` + "\x01" + `"`,
		`a="\`, "a=(", "a=(b", `a=("b"c)`, "a=(b;)", "a=:x", "a=:!:", "a=?2", "a=?", "a;B", "a;b=", "a=@1",
	} {
		t.Run(line, func(t *testing.T) {
			r, ok := cachecontrol.ParseTargeted([]string{line})
			require.False(t, ok)
			require.Zero(t, r)
		})
	}
	_, ok := cachecontrol.ParseTargeted(nil)
	require.False(t, ok)
}
