// SPDX-License-Identifier: MIT

package holdover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// What RFC 9111 allows and only the profile RFC does.
func TestProfiles(t *testing.T) {
	old := "Last-Modified: " + httpDate(-100*time.Hour)
	for _, tt := range []struct {
		name      string
		header    []string
		change    func(*asked)
		safe, rfc Reason
	}{
		{"§7.3 Set-Cookie", []string{"Cache-Control: max-age=60", "Set-Cookie: a=b"}, nil, ReasonSetCookie, ""},
		{"§4.2.2 heuristic to a Cookie", []string{old}, withCookie, ReasonNoLifetime, ""},
		{"§3.5 heuristic to an Authorization", []string{old, "Cache-Control: public"}, withAuthorization, "", ""},
		{"§3.5 alone", []string{"Cache-Control: max-age=60"}, withAuthorization, ReasonAuthorization, ReasonAuthorization},
		{"stale at once to a Cookie", []string{"Cache-Control: max-age=0", `Etag: "1"`}, withCookie, ReasonNoLifetime, ""},
		{"private", []string{"Cache-Control: max-age=60, private"}, nil, ReasonPrivate, ReasonPrivate},
	} {
		var change []func(*asked)
		if tt.change != nil {
			change = append(change, tt.change)
		}
		require.Equal(t, tt.safe, judged(t, Policy{}, 200, fields(tt.header...), change...).refused, tt.name)
		require.Equal(t, tt.rfc, judged(t, Policy{Profile: RFC}, 200, fields(tt.header...), change...).refused, tt.name)
	}
}

// A TTL of the policy is no more the origin's word in the profile RFC.
func TestProfileAndLifetimes(t *testing.T) {
	old := "Last-Modified: " + httpDate(-100*time.Hour)
	for _, tt := range []struct {
		name   string
		policy Policy
		header []string
		change func(*asked)
		want   time.Duration
		source store.Source
	}{
		{"heuristic, safe", Policy{}, []string{old}, withCookie, 0, store.SourceNone},
		{"heuristic, rfc", Policy{Profile: RFC}, []string{old}, withCookie, 10 * time.Hour, store.SourceHeuristic},
		{"rule, rfc", Policy{Profile: RFC, Freshness: Freshness{StatusTTL: StatusTTL{200: {TTL: time.Second}}}}, nil, withCookie, 0, store.SourceNone},
		{"default, rfc", Policy{Profile: RFC, Freshness: Freshness{DefaultTTL: time.Second}}, nil, withCookie, 0, store.SourceNone},
	} {
		j := judged(t, tt.policy, 200, fields(tt.header...), tt.change)
		require.Equal(t, tt.want, j.draft.Lifetime, tt.name)
		require.Equal(t, tt.source, j.draft.LifetimeFrom, tt.name)
	}
	require.True(t, compiled(t, Policy{Profile: RFC}).forAll(store.SourceHeuristic))
	require.False(t, compiled(t, Policy{}).forAll(store.SourceHeuristic))
	for _, s := range []store.Source{store.SourceRetryAfter, store.SourceStatusRule, store.SourceDefault} {
		require.False(t, compiled(t, Policy{Profile: RFC}).forAll(s))
	}
}

// RFC 9213 §2.2: the first targeted field on the list that is valid and not empty
// counts, in place of Cache-Control and Expires.
func TestTargetedFields(t *testing.T) {
	cdn := Policy{Profile: RFC}
	both := Policy{TargetedFields: []string{"Mine-Cache-Control", "cdn-cache-control"}}
	none := Policy{Profile: RFC, TargetedFields: []string{}}
	for _, tt := range []struct {
		name    string
		policy  Policy
		header  []string
		want    time.Duration
		refused Reason
	}{
		{"not listed", Policy{}, []string{"Cdn-Cache-Control: max-age=9", "Cache-Control: max-age=60"}, time.Minute, ""},
		{"the profile's", cdn, []string{"Cdn-Cache-Control: max-age=9", "Cache-Control: max-age=60"}, 9 * time.Second, ""},
		{"an empty list", none, []string{"Cdn-Cache-Control: max-age=9", "Cache-Control: max-age=60"}, time.Minute, ""},
		{"against no-store", cdn, []string{"Cdn-Cache-Control: max-age=9", "Cache-Control: no-store"}, 9 * time.Second, ""},
		{"no-store there", cdn, []string{"Cdn-Cache-Control: no-store", "Cache-Control: max-age=60"}, 0, ReasonNoStore},
		{"Expires doesn't count", cdn, []string{"Cdn-Cache-Control: public", "Expires: " + httpDate(time.Hour)}, 0, ReasonNoLifetime},
		{"nor Expires in the past", cdn, []string{"Cdn-Cache-Control: max-age=9", "Expires: " + httpDate(-time.Hour)}, 9 * time.Second, ""},
		{"empty", cdn, []string{"Cdn-Cache-Control: ", "Cache-Control: max-age=60"}, time.Minute, ""},
		{"not valid as a whole", cdn, []string{"Cdn-Cache-Control: max-age=9, &&", "Cache-Control: max-age=60"}, time.Minute, ""},
		{"two lines are one field", cdn, []string{"Cdn-Cache-Control: max-age=9", "Cdn-Cache-Control: no-store", "Cache-Control: max-age=60"}, 9 * time.Second, ReasonNoStore},
		{"the first of the list", both, []string{"Cdn-Cache-Control: max-age=9", "Mine-Cache-Control: max-age=8"}, 8 * time.Second, ""},
		{"the second where the first is bad", both, []string{"Cdn-Cache-Control: max-age=9", "Mine-Cache-Control: Max-Age=8"}, 9 * time.Second, ""},
	} {
		j := judged(t, tt.policy, 200, fields(tt.header...))
		require.Equal(t, tt.refused, j.refused, tt.name)
		if tt.refused != ReasonNoStore || tt.want > 0 {
			require.Equal(t, tt.want, j.draft.Lifetime, tt.name)
		}
	}
	// Its max-age is no s-maxage, which would forbid stale answers.
	require.Zero(t, judged(t, cdn, 200, fields("Cdn-Cache-Control: max-age=9")).draft.Flags&store.SMaxAge)
	require.NotZero(t, judged(t, cdn, 200, fields("Cdn-Cache-Control: s-maxage=9")).draft.Flags&store.SMaxAge)
}

// §5.2.2.10: s-maxage forbids stale answers; an explicit window outranks what it only implies, but
// not in the profile RFC.
func TestProfileAndSMaxAge(t *testing.T) {
	f := aged(61, flagged(store.SMaxAge), func(f *facts) { f.sie, f.swr = time.Hour, time.Hour })
	require.Equal(t, serveStale, decide(true, f, wishing(""), compiled(t, Policy{}), "").action)
	require.Equal(t, forward, decide(true, f, wishing(""), compiled(t, Policy{Profile: RFC}), "").action)
	_, usable := onFault(f, wishing(""), compiled(t, Policy{}), ReasonErrorStatus)
	require.True(t, usable)
	_, usable = onFault(f, wishing(""), compiled(t, Policy{Profile: RFC}), ReasonErrorStatus)
	require.False(t, usable)
}

// RFC 8246 §2.1: a reload doesn't revalidate what can't have changed; no-cache does.
func TestImmutable(t *testing.T) {
	p := compiled(t, Policy{})
	fresh, stale := aged(30, flagged(store.Immutable)), aged(61, flagged(store.Immutable))
	require.Equal(t, decision{serve, ReasonHit}, decide(true, fresh, wishing("max-age=0"), p, ""))
	require.Equal(t, decision{forward, ReasonRequest}, decide(true, fresh, wishing("no-cache"), p, ""))
	require.Equal(t, decision{forward, ReasonStale}, decide(true, stale, wishing("max-age=0"), p, ""))
	require.Equal(t, decision{forward, ReasonRequest}, decide(true, aged(30), wishing("max-age=0"), p, ""))
}

// Mounts with different profiles share a store: what they take for the same never mixes.
func TestProfilesNeverShareAnAssumption(t *testing.T) {
	h := fields("X: 1, 2")
	safe, rfc := compiled(t, Policy{}), compiled(t, Policy{Profile: RFC})
	require.NotEqual(t, safe.appendSelected(nil, []string{"X"}, h, ""), rfc.appendSelected(nil, []string{"X"}, h, ""))
	require.Equal(t, httpfield.AppendSelected(nil, []string{"X"}, h, "", httpfield.Lists), rfc.appendSelected(nil, []string{"X"}, fields("X: 1,2"), ""))
}

func TestParseProfile(t *testing.T) {
	for _, p := range []Profile{Safe, RFC} {
		got, err := ParseProfile(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	_, err := ParseProfile("RFC")
	require.ErrorContains(t, err, "Policy.Profile")
}
