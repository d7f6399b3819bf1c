// SPDX-License-Identifier: MIT

package cachecontrol_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
)

func request(set func(*cachecontrol.Request)) cachecontrol.Request {
	r := cachecontrol.Request{MaxAge: absent, MinFresh: absent, MaxStale: absent, StaleIfError: absent}
	if set != nil {
		set(&r)
	}
	return r
}

func TestParseRequest(t *testing.T) {
	noCache := func(r *cachecontrol.Request) { r.NoCache = true }
	noStore := func(r *cachecontrol.Request) { r.NoStore = true }
	cases := []struct {
		name   string
		lines  []string
		pragma []string
		want   func(*cachecontrol.Request)
	}{
		{"no field", nil, nil, nil},
		{"flags of RFC 9111 §5.2.1", []string{"no-store, NO-CACHE", "only-if-cached, no-transform"}, nil, func(r *cachecontrol.Request) {
			r.NoStore, r.NoCache, r.OnlyIfCached, r.NoTransform = true, true, true, true
		}},
		{"durations of RFC 9111 §5.2.1", []string{"max-age=1, min-fresh=2, max-stale=3, stale-if-error=4"}, nil, func(r *cachecontrol.Request) {
			r.MaxAge, r.MinFresh, r.MaxStale, r.StaleIfError = time.Second, 2*time.Second, 3*time.Second, 4*time.Second
		}},
		{"zero is not absent", []string{"max-age=0, min-fresh=0, max-stale=0, stale-if-error=0"}, nil, func(r *cachecontrol.Request) {
			r.MaxAge, r.MinFresh, r.MaxStale, r.StaleIfError = 0, 0, 0, 0
		}},
		{"max-stale without a number (§5.2.1.2)", []string{"Max-Stale"}, nil, func(r *cachecontrol.Request) { r.AnyMaxStale = true }},
		{"max-stale with one", []string{"max-stale=60"}, nil, func(r *cachecontrol.Request) { r.MaxStale = time.Minute }},
		{"max-stale both ways", []string{"max-stale, max-stale=60"}, nil, func(r *cachecontrol.Request) { r.MaxStale = time.Minute }},
		{"max-stale with a bad number", []string{"max-stale=", "max-stale=x", `max-stale"`}, nil, nil},
		{"bad directives are ignored alone", []string{"max-age=x, min-fresh, stale-if-error, max-stale=-1, no-store"}, nil, noStore},
		{"bad beside good", []string{"max-age=x, max-age=5"}, nil, func(r *cachecontrol.Request) { r.MaxAge = 5 * time.Second }},
		{"arguments of flags are ignored", []string{`no-store=1, only-if-cached="x"`}, nil, func(r *cachecontrol.Request) { r.NoStore, r.OnlyIfCached = true, true }},
		{"the most restrictive", []string{"max-age=9, max-age=5, min-fresh=5, min-fresh=9, max-stale=9, max-stale=5"}, nil, func(r *cachecontrol.Request) {
			r.MaxAge, r.MinFresh, r.MaxStale = 5*time.Second, 9*time.Second, 5*time.Second
		}},
		{"saturates", []string{"max-age=99999999999"}, nil, func(r *cachecontrol.Request) { r.MaxAge = most }},
		{"quoted", []string{`foo="no-store, no-cache"`}, nil, nil},
		{"unknown directives do nothing", []string{"foo, max-bar=7"}, nil, nil},
		{"Pragma (RFC 9111 §5.4)", nil, []string{"x=1", "No-Cache"}, noCache},
		{"Pragma beside Cache-Control", []string{"no-store"}, []string{"no-cache"}, noStore},
		{"other pragmas", nil, []string{`foo, x="no-cache", no-store`}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, request(c.want), cachecontrol.ParseRequest(c.lines, c.pragma))
		})
	}
}

func TestParseRequestWithoutFieldAllocatesNothing(t *testing.T) {
	var r cachecontrol.Request
	require.Zero(t, testing.AllocsPerRun(100, func() { r = cachecontrol.ParseRequest(nil, nil) }))
	require.Equal(t, request(nil), r)
}
