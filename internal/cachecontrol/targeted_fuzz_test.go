// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A targeted field says what its dictionary says: RFC 9213 §2.1 for the types, and
// for the rest what the directives mean in Cache-Control.
func FuzzTargetedReading(f *testing.F) {
	for _, s := range append(dictionarySeeds,
		"max-age=60\nno-store", "no-store=?0, no-cache=?0, public=?1", `no-cache="x-b, x-a", private=x-c`, "no-cache=(a b), private=7", `private="a,,b"`, "private=True",
		`max-age="60", s-maxage=1.5, stale-if-error=a, stale-while-revalidate`, "max-age=-60, s-maxage=99999999999, stale-while-revalidate=?0",
		"max-age=1, max-age=60", "must-understand, no-store=0, immutable=\"x\", proxy-revalidate;a=1") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		members, valid := readMembers(strings.Join(lines, ", "))
		r, ok := ParseTargeted(lines)
		require.Equal(t, valid && len(members) > 0, ok)
		if !ok {
			require.Zero(t, r)
			return
		}
		require.Equal(t, wantTargeted(members), r)
	})
}

func wantTargeted(members map[string]sfItem) Response {
	for name, v := range members {
		if v.kind == sfBoolean && !v.truth {
			delete(members, name)
		}
	}
	given := func(name string) bool { _, is := members[name]; return is }
	duration := func(name string, unreadable time.Duration) time.Duration {
		v, is := members[name]
		switch {
		case !is:
			return Absent
		case v.kind != sfInteger || v.number < 0:
			return unreadable
		}
		return time.Duration(min(v.number, 1<<31-1)) * time.Second
	}
	w := Response{
		NoStore: given("no-store"), Public: given("public"), MustRevalidate: given("must-revalidate"), ProxyRevalidate: given("proxy-revalidate"),
		MustUnderstand: given("must-understand"), NoTransform: given("no-transform"), Immutable: given("immutable"),
		MaxAge: duration("max-age", 0), SMaxAge: duration("s-maxage", 0),
		StaleWhileRevalidate: duration("stale-while-revalidate", Absent), StaleIfError: duration("stale-if-error", Absent),
	}
	if v, is := members["no-cache"]; is {
		w.NoCache, w.NoCacheFields = namesIn(v)
	}
	if v, is := members["private"]; is {
		w.Private, w.PrivateFields = namesIn(v)
	}
	return w
}

// namesIn reads the field names of a qualified form; whole says that it must count
// as unqualified.
func namesIn(v sfItem) (whole bool, names []string) {
	if v.kind != sfString && v.kind != sfToken {
		return true, nil
	}
	for name := range strings.SplitSeq(v.text, ",") {
		name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
		if slices.Contains([]string{"", "0", "1", "True", "False", "Yes", "No"}, name) || strings.Trim(name, tchars) != "" {
			return true, nil
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return false, slices.Compact(names)
}

const tchars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
