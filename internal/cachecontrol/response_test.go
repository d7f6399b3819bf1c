// SPDX-License-Identifier: MIT

package cachecontrol_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
)

const (
	absent = cachecontrol.Absent
	most   = (1<<31 - 1) * time.Second
)

// response returns the result for a field without directives, changed by set.
func response(set func(*cachecontrol.Response)) cachecontrol.Response {
	r := cachecontrol.Response{MaxAge: absent, SMaxAge: absent, StaleWhileRevalidate: absent, StaleIfError: absent}
	if set != nil {
		set(&r)
	}
	return r
}

type responseCase struct {
	name  string
	lines []string
	want  func(*cachecontrol.Response)
}

func runResponse(t *testing.T, cases []responseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, response(c.want), cachecontrol.ParseResponse(c.lines))
		})
	}
}

func TestParseResponse(t *testing.T) {
	runResponse(t, []responseCase{
		{"no field", nil, nil},
		{"empty line", []string{""}, nil},
		{"only separators", []string{" , ,\t,"}, nil},
		{"RFC 9111 §5.2.2.1", []string{"max-age=60"}, func(r *cachecontrol.Response) { r.MaxAge = time.Minute }},
		{"zero is not absent", []string{"max-age=0, s-maxage=0, stale-if-error=0, stale-while-revalidate=0"}, func(r *cachecontrol.Response) {
			r.MaxAge, r.SMaxAge, r.StaleIfError, r.StaleWhileRevalidate = 0, 0, 0, 0
		}},
		{"RFC 9111 §5.2.2.10", []string{"s-maxage=60"}, func(r *cachecontrol.Response) { r.SMaxAge = time.Minute }},
		{"RFC 5861 §3 and §4", []string{"stale-while-revalidate=5, stale-if-error=7"}, func(r *cachecontrol.Response) {
			r.StaleWhileRevalidate, r.StaleIfError = 5*time.Second, 7*time.Second
		}},
		{"flags of RFC 9111 §5.2.2", []string{"no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, no-transform"}, func(r *cachecontrol.Response) {
			r.NoStore, r.NoCache, r.Private, r.Public = true, true, true, true
			r.MustRevalidate, r.ProxyRevalidate, r.MustUnderstand, r.NoTransform = true, true, true, true
		}},
		{"RFC 8246", []string{"immutable"}, func(r *cachecontrol.Response) { r.Immutable = true }},
		{"unknown directives do nothing (RFC 9111 §5.2.3)", []string{`foo, bar=1, baz="2, x"`}, nil},
		{"RFC 9111 §5.2.2.4 qualified", []string{`no-cache="set-cookie, X-A"`}, func(r *cachecontrol.Response) {
			r.NoCacheFields = []string{"Set-Cookie", "X-A"}
		}},
		{"RFC 9111 §5.2.2.7 qualified", []string{`private="x-b, x-a", private="X-A"`}, func(r *cachecontrol.Response) {
			r.PrivateFields = []string{"X-A", "X-B"}
		}},
		{"unqualified outranks qualified", []string{`no-cache="X", no-cache, private, private=X`}, func(r *cachecontrol.Response) {
			r.NoCache, r.Private = true, true
		}},
		{"no names", []string{`no-cache="", private=""`}, func(r *cachecontrol.Response) { r.NoCache, r.Private = true, true }},
		{"not a name", []string{`no-cache="a b", private="é"`}, func(r *cachecontrol.Response) { r.NoCache, r.Private = true, true }},
		{"truth values are not names", []string{"no-cache=1, private=true"}, func(r *cachecontrol.Response) { r.NoCache, r.Private = true, true }},
	})
}

// The corrections to the library, each of which it gets wrong by itself.
func TestParseResponseBroken(t *testing.T) {
	noStore := func(r *cachecontrol.Response) { r.NoStore = true }
	stale := func(r *cachecontrol.Response) { r.MaxAge = 0 }
	noStoreStale := func(r *cachecontrol.Response) { r.NoStore, r.MaxAge = true, 0 }
	minute := func(r *cachecontrol.Response) { r.MaxAge = time.Minute }
	cases := []responseCase{
		{"lines are joined", []string{"max-age=60", "no-store"}, func(r *cachecontrol.Response) { r.NoStore, r.MaxAge = true, time.Minute }},
		{"bad value last", []string{"no-store, max-age=abc"}, noStoreStale},
		{"bad value first", []string{"max-age=-60, no-store"}, noStoreStale},
		{"no-store=1", []string{"no-store=1"}, noStore},
		{"public=1", []string{"public=1"}, func(r *cachecontrol.Response) { r.Public = true }},
		{"must-revalidate=true", []string{"must-revalidate=true"}, func(r *cachecontrol.Response) { r.MustRevalidate = true }},
		{"flag with a string", []string{`proxy-revalidate="a, public"`}, func(r *cachecontrol.Response) { r.ProxyRevalidate = true }},
		{"must-understand=1", []string{"must-understand=1, immutable=0"}, func(r *cachecontrol.Response) { r.MustUnderstand, r.Immutable = true, true }},
		{"s-maxage is bad too", []string{"s-maxage=x, max-age=60"}, func(r *cachecontrol.Response) { r.SMaxAge, r.MaxAge = 0, time.Minute }},
		{"bare windows", []string{"stale-while-revalidate, stale-if-error, max-age=60"}, minute},
		{"bad windows", []string{"stale-while-revalidate=x, stale-if-error=-1, max-age=60"}, minute},
		{"bad window beside a good one", []string{"stale-if-error=x, stale-if-error=9"}, func(r *cachecontrol.Response) { r.StaleIfError = 9 * time.Second }},
		{"unquoted name ends at the comma", []string{"no-cache=Set-Cookie,no-store"}, func(r *cachecontrol.Response) {
			r.NoStore, r.NoCacheFields = true, []string{"Set-Cookie"}
		}},
		{"quoted text counts for nothing", []string{`foo="a, no-store"`}, nil},
		{"escaped quote", []string{`foo="a\", no-store", max-age=60`}, minute},
		{"quoted max-age in an extension", []string{`max-age=60, extension="max-age=3600"`, `e="max-age=1"`}, minute},
		{"the lower of two", []string{"max-age=1800, max-age=60"}, minute},
		{"the lower of two lines", []string{"max-age=60", "max-age=1800"}, minute},
		{"bad beside good", []string{"max-age=60, max-age=x"}, stale},
		{"public, private", []string{"public, private"}, func(r *cachecontrol.Response) { r.Public, r.Private = true, true }},
		{"must-understand, no-store are both told", []string{"must-understand, no-store"}, func(r *cachecontrol.Response) {
			r.MustUnderstand, r.NoStore = true, true
		}},
		{"unpaired quote hides nothing behind it", []string{`foo="a, no-store`}, noStore},
		{"unpaired quote hides no next line", []string{`foo="a`, `private, bar="b"`}, func(r *cachecontrol.Response) { r.Private = true }},
		{"quotes of a name list that pair wrongly", []string{`no-cache="a, private="b`, `private="c`}, func(r *cachecontrol.Response) { r.NoCache, r.Private = true, true }},
		{"unclosed name list", []string{`max-age=60, no-cache="a, b`, `private="c`}, func(r *cachecontrol.Response) {
			r.MaxAge, r.NoCache, r.Private = time.Minute, true, true
		}},
		{"forgotten comma", []string{"must-revalidate no-store"}, func(r *cachecontrol.Response) { r.MustRevalidate, r.NoStore = true, true }},
		{"forgotten comma behind an argument", []string{"foo=1 no-store"}, noStore},
		{"semicolons", []string{"max-age=60;no-store; private"}, func(r *cachecontrol.Response) { r.MaxAge, r.NoStore, r.Private = time.Minute, true, true }},
		{"closing quote left over", []string{`no-store"`}, noStore},
		{"a string is no directive", []string{`"no-store"`}, nil},
	}
	for _, v := range []string{"max-age=1.5", "max-age=60s", "max-age=+60", "max-age=", "max-age", "max-age = 60", "max-age =60", "max-age= 60", "max-age='60'", "max-age:60", `max-age="60`} {
		cases = append(cases, responseCase{v, []string{v}, stale})
	}
	for _, v := range []string{`max-age="60"`, "max-age=0060", "MAX-AGE=60"} {
		cases = append(cases, responseCase{v, []string{v}, minute})
	}
	for _, v := range []string{"max-age=2147483647", "max-age=2147483648", "max-age=4294967296", "max-age=99999999999999999999999"} {
		cases = append(cases, responseCase{v, []string{v}, func(r *cachecontrol.Response) { r.MaxAge = most }})
	}
	runResponse(t, cases)
}
