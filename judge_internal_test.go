// SPDX-License-Identifier: MIT

package holdover

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// judging is an instant on a whole second.
var judging = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()

func httpDate(offset time.Duration) string {
	return time.Unix(0, judging).Add(offset).UTC().Format(http.TimeFormat)
}

// fields makes a header of lines such as "Vary: *".
func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// judged judges a response under a policy, to a GET that the changes alter.
func judged(t testing.TB, p Policy, status int, h http.Header, change ...func(*asked)) *judgement {
	t.Helper()
	c, err := New(Config{Policy: p})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return judgedBy(c, status, h, nil, change...)
}

func judgedBy(c *Cache, status int, h http.Header, transport error, change ...func(*asked)) *judgement {
	a := &asked{
		method: "GET", key: "k", host: "example.com", target: "/", header: http.Header{},
		anonymous: true, started: judging, request: &http.Request{Method: "GET"},
	}
	for _, f := range change {
		f(a)
	}
	return c.judge(c.rules, a, status, h, transport, judging)
}

func withAuthorization(a *asked) { a.authorization, a.anonymous = true, false }
func withCookie(a *asked)        { a.cookie, a.anonymous = true, false }

var (
	ruled    = Policy{Freshness: Freshness{StatusTTL: StatusTTL{200: {TTL: 20 * time.Second}, 404: {TTL: 20 * time.Second}, 429: {TTL: 20 * time.Second}, 503: {TTL: 20 * time.Second}, 410: {}}}}
	defaults = Policy{Freshness: Freshness{DefaultTTL: 30 * time.Second}}
)

func TestRefusals(t *testing.T) {
	graced := Policy{Grace: Grace{StaleIfError: time.Minute}}
	for _, tt := range []struct {
		name   string
		policy Policy
		status int
		header http.Header
		change func(*asked)
		want   Reason
	}{
		{"explicit lifetime", Policy{}, 200, fields("Cache-Control: max-age=60"), nil, ""},
		{"explicit lifetime of an unknown status", Policy{}, 599, fields("Cache-Control: max-age=60"), nil, ""},
		{"explicit lifetime of a failure", Policy{}, 503, fields("Cache-Control: max-age=60"), nil, ""},
		// RFC 9111 §3, §5.2.2.5, §5.2.1.5
		{"no-store", ruled, 200, fields("Cache-Control: max-age=60, no-store"), nil, ReasonNoStore},
		{"request no-store", Policy{}, 200, fields("Cache-Control: max-age=60"), func(a *asked) { a.noStore = true }, ReasonNoStore},
		// §5.2.2.3
		{"must-understand, understood", Policy{}, 200, fields("Cache-Control: must-understand, no-store, max-age=60"), nil, ""},
		{"must-understand, not understood", Policy{}, 299, fields("Cache-Control: must-understand, max-age=60"), nil, ReasonUnstorable},
		{"must-understand, not understood, no-store", Policy{}, 299, fields("Cache-Control: must-understand, no-store, max-age=60"), nil, ReasonNoStore},
		// §5.2.2.7
		{"private", ruled, 200, fields("Cache-Control: max-age=60, private"), nil, ReasonPrivate},
		{"private and public", ruled, 200, fields("Cache-Control: max-age=60, public, private"), nil, ReasonPrivate},
		{"private fields", Policy{}, 200, fields(`Cache-Control: max-age=60, private="x-user"`), nil, ""},
		// What is no answer to be reused.
		{"HEAD", Policy{}, 200, fields("Cache-Control: max-age=60"), func(a *asked) { a.method = "HEAD" }, ReasonUnstorable},
		{"206", Policy{}, 206, fields("Cache-Control: max-age=60"), nil, ReasonUnstorable},
		{"304 that isn't ours", Policy{}, 304, fields("Cache-Control: max-age=60"), nil, ReasonUnstorable},
		{"416", Policy{}, 416, fields("Cache-Control: max-age=60"), nil, ReasonUnstorable},
		{"101", Policy{}, 101, fields("Cache-Control: max-age=60"), nil, ReasonUnstorable},
		// RFC 9111 §4.1
		{"Vary: *", Policy{}, 200, fields("Cache-Control: max-age=60", "Vary: Accept", "Vary: , *"), nil, ReasonVaryStar},
		// §3.5
		{"Authorization", Policy{}, 200, fields("Cache-Control: max-age=60"), withAuthorization, ReasonAuthorization},
		{"Authorization, public", Policy{}, 200, fields("Cache-Control: max-age=60, public"), withAuthorization, ""},
		{"Authorization, must-revalidate", Policy{}, 200, fields("Cache-Control: max-age=60, must-revalidate"), withAuthorization, ""},
		{"Authorization, s-maxage", Policy{}, 200, fields("Cache-Control: s-maxage=60"), withAuthorization, ""},
		{"Authorization, rule", ruled, 200, fields(), withAuthorization, ReasonAuthorization},
		{"Cookie", Policy{}, 200, fields("Cache-Control: max-age=60"), withCookie, ""},
		{"Cookie, rule", ruled, 200, fields(), withCookie, ReasonNoLifetime},
		{"Cookie, rule, validator", ruled, 200, fields(`Etag: "1"`), withCookie, ReasonNoLifetime},
		{"Cookie, no-cache, validator", Policy{}, 200, fields("Cache-Control: no-cache", `Etag: "1"`), withCookie, ReasonNoLifetime},
		// §7.3 and the policy's safety
		{"Set-Cookie", Policy{}, 200, fields("Cache-Control: max-age=60", "Set-Cookie: a=b"), nil, ReasonSetCookie},
		{"Set-Cookie2", Policy{}, 200, fields("Cache-Control: max-age=60", "Set-Cookie2: a=b"), nil, ReasonSetCookie},
		{"Set-Cookie stripped", Policy{Safety: Safety{SetCookie: StripSetCookie}}, 200, fields("Cache-Control: max-age=60", "Set-Cookie: a=b"), nil, ""},
		{"Set-Cookie stored", Policy{Safety: Safety{SetCookie: StoreSetCookie}}, 200, fields("Cache-Control: max-age=60", "Set-Cookie: a=b"), nil, ""},
		{"as large as may be", Policy{Safety: Safety{MaxBody: 10}}, 200, fields("Cache-Control: max-age=60", "Content-Length: 10"), nil, ""},
		{"too large", Policy{Safety: Safety{MaxBody: 10}}, 200, fields("Cache-Control: max-age=60", "Content-Length: 11"), nil, ReasonTooLarge},
		{"strict, denied", Policy{Outcome: Strict}, 403, fields("Cache-Control: max-age=60"), nil, ReasonOutcome},
		{"strict, failed", Policy{Outcome: Strict}, 503, fields("Cache-Control: max-age=60"), nil, ReasonOutcome},
		{"strict, gone", Policy{Outcome: Strict}, 410, fields("Cache-Control: max-age=60"), nil, ""},
		{"denied", Policy{}, 403, fields("Cache-Control: max-age=60"), nil, ""},
		// What is of no use.
		{"silent", Policy{}, 200, fields(), nil, ReasonNoLifetime},
		{"silent, validator", Policy{}, 200, fields(`Etag: "1"`), nil, ""},
		{"silent, validator, another status", Policy{}, 201, fields(`Etag: "1"`), nil, ReasonNoLifetime},
		{"stale at once", Policy{}, 200, fields("Cache-Control: max-age=0"), nil, ReasonNoLifetime},
		{"stale at once, validator", Policy{}, 200, fields("Cache-Control: max-age=0", `Etag: "1"`), nil, ""},
		{"stale at once, stale-if-error", Policy{}, 200, fields("Cache-Control: max-age=0, stale-if-error=600"), nil, ""},
		{"stale at once, the policy's window", graced, 200, fields("Cache-Control: max-age=0"), nil, ""},
		{"silent, the policy's window, credentials", graced, 200, fields(), withCookie, ReasonNoLifetime},
		{"stale on arrival, kept for bad times", Policy{}, 200, fields("Cache-Control: max-age=60", "Age: 60"), nil, ""},
		{"stale failure, window", graced, 503, fields("Cache-Control: max-age=0, stale-if-error=60", `Etag: "1"`), nil, ReasonNoLifetime},
		{"silent failure", defaults, 503, fields(), nil, ReasonNoLifetime},
		{"rule of TTL 0", ruled, 410, fields(), nil, ReasonNoLifetime},
		{"Expires in the past", Policy{}, 200, fields("Expires: 0"), nil, ReasonNoLifetime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change == nil {
				tt.change = func(*asked) {}
			}
			require.Equal(t, tt.want, judged(t, tt.policy, tt.status, tt.header, tt.change).refused)
		})
	}
}

func TestLifetimeOrder(t *testing.T) {
	override := Policy{Freshness: Freshness{StatusTTL: StatusTTL{200: {TTL: 20 * time.Second, Override: true}, 204: {Override: true}}}}
	all := Policy{Freshness: Freshness{StatusTTL: StatusTTL{200: {TTL: 20 * time.Second}}, DefaultTTL: 30 * time.Second}}
	modified := "Last-Modified: " + httpDate(-1000*time.Second)
	for _, tt := range []struct {
		name   string
		policy Policy
		status int
		header http.Header
		change func(*asked)
		want   time.Duration
		source store.Source
	}{
		{"s-maxage first", all, 200, fields("Cache-Control: max-age=60, s-maxage=5"), nil, 5 * time.Second, store.SourceSMaxAge},
		{"then max-age", all, 200, fields("Cache-Control: max-age=60", "Expires: "+httpDate(time.Hour)), nil, time.Minute, store.SourceMaxAge},
		{"then Expires", all, 200, fields("Expires: " + httpDate(time.Hour)), nil, time.Hour, store.SourceExpires},
		{"max-age=0 is a word too", all, 200, fields("Cache-Control: max-age=0"), nil, 0, store.SourceMaxAge},
		{"an unreadable Expires is a word too", all, 200, fields("Expires: -1"), nil, 0, store.SourceExpires},
		{"Retry-After in place of a rule", ruled, 503, fields("Retry-After: 7"), nil, 7 * time.Second, store.SourceRetryAfter},
		{"Retry-After as a date", ruled, 429, fields("Retry-After: " + httpDate(9*time.Second)), nil, 9 * time.Second, store.SourceRetryAfter},
		{"Retry-After that has passed", ruled, 503, fields("Retry-After: 0"), nil, 20 * time.Second, store.SourceStatusRule},
		{"Retry-After without a rule", defaults, 503, fields("Retry-After: 7"), nil, 0, store.SourceNone},
		{"Retry-After of a success", ruled, 200, fields("Retry-After: 7"), nil, 20 * time.Second, store.SourceStatusRule},
		{"explicit before Retry-After", ruled, 503, fields("Retry-After: 7", "Cache-Control: max-age=3"), nil, 3 * time.Second, store.SourceMaxAge},
		{"rule before heuristic", all, 200, fields(modified), nil, 20 * time.Second, store.SourceStatusRule},
		{"rule for a failure", ruled, 503, fields(), nil, 20 * time.Second, store.SourceStatusRule},
		{"heuristic before default", defaults, 200, fields(modified), nil, 100 * time.Second, store.SourceHeuristic},
		{"default", defaults, 200, fields(), nil, 30 * time.Second, store.SourceDefault},
		{"default where heuristics are off", Policy{Freshness: Freshness{HeuristicFraction: -1, DefaultTTL: time.Second}}, 200, fields(modified), nil, time.Second, store.SourceDefault},
		{"no default for other statuses", defaults, 201, fields(), nil, 0, store.SourceNone},
		{"TTL 0 exempts from heuristics and default", Policy{Freshness: Freshness{StatusTTL: StatusTTL{200: {}}, DefaultTTL: time.Second}}, 200, fields(modified), nil, 0, store.SourceStatusRule},
		{"heuristic bound", Policy{Freshness: Freshness{HeuristicMax: time.Second}}, 200, fields(modified), nil, time.Second, store.SourceHeuristic},
		{"nothing", Policy{}, 200, fields(), nil, 0, store.SourceNone},
		{"override", override, 200, fields("Cache-Control: max-age=60"), nil, 20 * time.Second, store.SourceStatusRule},
		{"override with 0", override, 204, fields("Cache-Control: max-age=60"), nil, 0, store.SourceStatusRule},
		// What isn't the origin's word is not for credentials.
		{"rule, Cookie", ruled, 200, fields(), withCookie, 0, store.SourceNone},
		{"heuristic, Cookie", Policy{}, 200, fields(modified), withCookie, 0, store.SourceNone},
		{"default, Authorization", defaults, 200, fields(), withAuthorization, 0, store.SourceNone},
		{"override, Cookie", override, 200, fields("Cache-Control: max-age=60"), withCookie, time.Minute, store.SourceMaxAge},
		{"max-age, Cookie", ruled, 200, fields("Cache-Control: max-age=60"), withCookie, time.Minute, store.SourceMaxAge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change == nil {
				tt.change = func(*asked) {}
			}
			d := judged(t, tt.policy, tt.status, tt.header, tt.change).draft
			require.Equal(t, tt.source, d.LifetimeFrom)
			require.Equal(t, tt.want, d.Lifetime)
		})
	}
}

// A rule, also one that overrides, never lifts a prohibition.
func TestOverrideNeverLiftsAProhibition(t *testing.T) {
	p := Policy{Freshness: Freshness{StatusTTL: StatusTTL{200: {TTL: time.Minute, Override: true}}}}
	for cc, want := range map[string]Reason{"no-store": ReasonNoStore, "private": ReasonPrivate, "private, max-age=60": ReasonPrivate} {
		require.Equal(t, want, judged(t, p, 200, fields("Cache-Control: "+cc)).refused, cc)
	}
}

// A failure lives by the origin's word or by a rule for its status, not by a default.
func TestFailuresGetNoDefaultTTL(t *testing.T) {
	p := Policy{Origin: Origin{ErrorStatuses: []int{404, 501}}, Freshness: Freshness{DefaultTTL: time.Minute}}
	for _, status := range []int{404, 501} {
		j := judged(t, p, status, fields())
		require.Equal(t, failed, j.outcome)
		require.Equal(t, ReasonNoLifetime, j.refused, "%d", status)
	}
}

func TestOutcomes(t *testing.T) {
	for status, want := range map[int]struct {
		outcome outcome
		fault   Reason
	}{
		200: {ok, ""}, 404: {ok, ""}, 410: {ok, ""}, 501: {ok, ""}, 505: {ok, ""},
		401: {denied, ""}, 403: {denied, ""}, 407: {ok, ""},
		408: {throttled, ReasonThrottled}, 429: {throttled, ReasonThrottled},
		500: {failed, ReasonErrorStatus}, 502: {failed, ReasonErrorStatus}, 503: {failed, ReasonErrorStatus}, 504: {failed, ReasonErrorStatus},
	} {
		j := judged(t, Policy{}, status, fields())
		require.Equal(t, want.outcome, j.outcome, "%d", status)
		require.Equal(t, want.fault, j.fault, "%d", status)
		require.Equal(t, want.outcome >= failed, j.draft.Flags&store.Failed != 0, "%d", status)
	}
}

func TestTransportErrorsAreNeverStored(t *testing.T) {
	c, err := New(Config{Policy: ruled})
	require.NoError(t, err)
	defer c.Close()
	j := judgedBy(c, 503, fields("Cache-Control: max-age=60"), errors.New("refused"))
	require.Equal(t, failed, j.outcome)
	require.Equal(t, ReasonTransport, j.fault)
	require.Equal(t, ReasonTransport, j.refused)
}

func TestRetryAfterCountsForFailuresOnly(t *testing.T) {
	for status, want := range map[int]time.Duration{200: 0, 301: 0, 404: 0, 429: 5 * time.Second, 503: 5 * time.Second} {
		require.Equal(t, want, judged(t, Policy{}, status, fields("Retry-After: 5")).retryAfter, "%d", status)
	}
}

func TestStorageLife(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		status int
		header http.Header
		want   time.Duration
	}{
		{"lifetime and keep", Policy{}, 200, fields("Cache-Control: max-age=60"), time.Hour + time.Minute},
		{"what is left of the lifetime", Policy{}, 200, fields("Cache-Control: max-age=60", "Age: 20"), time.Hour + 40*time.Second},
		{"stale on arrival", Policy{}, 200, fields("Cache-Control: max-age=60", "Age: 90", `Etag: "1"`), time.Hour},
		{"no keep", Policy{Grace: Grace{Keep: -1}}, 200, fields("Cache-Control: max-age=60"), time.Minute},
		{"the origin's window is longer", Policy{}, 200, fields("Cache-Control: max-age=60, stale-if-error=7200"), 2*time.Hour + time.Minute},
		{"the other window is longer", Policy{}, 200, fields("Cache-Control: max-age=60, stale-while-revalidate=7200"), 2*time.Hour + time.Minute},
		{"the policy's window is longer", Policy{Grace: Grace{StaleIfError: 2 * time.Hour}}, 200, fields("Cache-Control: max-age=60"), 2*time.Hour + time.Minute},
		{"a failure has none", Policy{Grace: Grace{StaleIfError: time.Hour}}, 503, fields("Cache-Control: max-age=60, stale-if-error=60"), time.Minute},
		{"capped lifetime", Policy{}, 200, fields("Cache-Control: max-age=99999999999"), DefaultMaxLife},
		{"capped window", Policy{}, 200, fields("Cache-Control: max-age=1, stale-if-error=99999999999"), DefaultMaxLife},
		{"capped sum", Policy{}, 200, fields("Cache-Control: max-age=604000"), DefaultMaxLife},
		{"capped failure", Policy{}, 503, fields("Cache-Control: max-age=99999999999"), DefaultMaxLife},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := judged(t, tt.policy, tt.status, tt.header).draft
			require.Equal(t, tt.want, time.Duration(d.StoreUntil-judging))
		})
	}
}

// Ages that a clock makes negative count as zero (RFC 9111 §4.2.3).
func TestDraftAges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		change func(*asked)
		want   time.Duration
	}{
		{"now", fields(), nil, 0},
		{"a Date in the future", fields("Date: " + httpDate(time.Hour)), nil, 0},
		{"a Date in the past", fields("Date: " + httpDate(-time.Minute)), nil, time.Minute},
		{"the delay counts", fields("Age: 3"), func(a *asked) { a.started -= int64(2 * time.Second) }, 5 * time.Second},
		{"a fetch from the future", fields("Age: 3"), func(a *asked) { a.started += int64(time.Hour) }, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change == nil {
				tt.change = func(*asked) {}
			}
			require.Equal(t, tt.want, judged(t, Policy{}, 200, tt.header, tt.change).draft.InitialAge)
		})
	}
}

func TestDraftFlags(t *testing.T) {
	for cc, want := range map[string]store.Flags{
		"max-age=1":                        0,
		"max-age=1, no-cache":              store.NoCache,
		`max-age=1, no-cache="set-cookie"`: 0,
		"max-age=1, must-revalidate":       store.MustRevalidate,
		"max-age=1, proxy-revalidate":      store.ProxyRevalidate,
		"max-age=1, public, immutable":     store.Public | store.Immutable,
		"s-maxage=1":                       store.SMaxAge,
	} {
		d := judged(t, Policy{}, 200, fields("Cache-Control: "+cc)).draft
		require.Equal(t, want|store.Anonymous, d.Flags, cc)
	}
	require.Equal(t, store.Authorized, judged(t, Policy{}, 200, fields("Cache-Control: max-age=1"), withAuthorization).draft.Flags)
}

// Waiters get what is stored and fresh, and failures that say nothing of a user.
func TestShareable(t *testing.T) {
	for _, tt := range []struct {
		status int
		header http.Header
		change func(*asked)
		want   bool
	}{
		{200, fields("Cache-Control: max-age=1"), nil, true},
		{200, fields("Cache-Control: max-age=1, no-cache"), nil, false},
		{200, fields("Cache-Control: max-age=0", `Etag: "1"`), nil, false},
		{200, fields("Cache-Control: max-age=1, private"), nil, false},
		{200, fields("Cache-Control: max-age=1", "Set-Cookie: a=b"), nil, false},
		{200, fields("Cache-Control: max-age=1"), withCookie, true},
		{200, fields("Cache-Control: max-age=1"), withAuthorization, false},
		{200, fields("Cache-Control: max-age=1"), func(a *asked) { a.started -= int64(5 * time.Second) }, true}, // it took so long
		{200, fields("Cache-Control: max-age=1", "Age: 1"), nil, false},
		{503, fields(), nil, true},
		{503, fields(), withCookie, false},
		{503, fields(), withAuthorization, false},
		{503, fields("Set-Cookie: a=b"), nil, false},
		{503, fields("Cache-Control: no-store"), nil, false},
		{503, fields("Cache-Control: private"), nil, false},
		{429, fields(), nil, true},
		{403, fields(), nil, false},
	} {
		if tt.change == nil {
			tt.change = func(*asked) {}
		}
		require.Equal(t, tt.want, judged(t, Policy{}, tt.status, tt.header.Clone(), tt.change).shareable, "%d %v", tt.status, tt.header)
	}
}

func tagNames(tags []store.Tag) (names []string) {
	for _, tag := range tags {
		if tag.Name != "" { // else a group with its origin
			names = append(names, tag.Name)
		}
	}
	return names
}

func TestTags(t *testing.T) {
	p := Policy{
		TagFields: []string{"surrogate-key", "Cache-Tag"},
		Tags: func(r *http.Request, status int, h http.Header) []string {
			return []string{r.Method, fmt.Sprint(status), h.Get("X-Kind"), "b"}
		},
	}
	j := judged(t, p, 200, fields(
		"Cache-Control: max-age=60", `Cache-Groups: "b c", "d,e"`, `Cache-Groups: "f"`,
		"Surrogate-Key: a  b,c", "Cache-Tag: g,h", "X-Kind: kind"))
	require.Equal(t, []string{"200", "GET", "a", "b", "b c", "c", "d,e", "f", "g", "h", "kind"}, tagNames(j.draft.Tags))
	var groups []store.Tag
	for _, tag := range j.draft.Tags {
		if tag.Name == "" {
			groups = append(groups, tag)
			continue
		}
		require.Equal(t, marks.TagHash(tag.Name), tag.Hash)
	}
	require.Equal(t, []store.Tag{
		{Hash: groupHash("example.com", "b c")}, {Hash: groupHash("EXAMPLE.com", "d,e")}, {Hash: groupHash("example.com", "f")},
	}, groups, "groups are those of their origin")
	j = judged(t, Policy{}, 200, fields("Surrogate-Key: a", "Cache-Tag: b"))
	require.Empty(t, j.draft.Tags, "only fields that the policy names")
}

// RFC 9875 §2: Cache-Groups is a list of strings in the sense of RFC 9651.
func TestCacheGroupsAreStructuredStrings(t *testing.T) {
	j := judged(t, Policy{}, 200, fields("Cache-Control: max-age=60", `Cache-Groups: "a";x=1, "b\"c", "d\\e" ; y`))
	require.Equal(t, []string{"a", `b"c`, `d\e`}, tagNames(j.draft.Tags))
}

// At least 32 groups of 32 characters (RFC 9875 §2.1).
func TestManyTags(t *testing.T) {
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprintf("%032d", i))
	}
	p := Policy{TagFields: []string{"Cache-Tag"}}
	j := judged(t, p, 200, fields("Cache-Control: max-age=60", "Cache-Tag: "+strings.Join(list, " ")))
	require.Equal(t, Reason(""), j.refused)
	require.Equal(t, list, tagNames(j.draft.Tags))
}

// A response whose tags can't all be kept could not be purged by the others: it must
// not be stored.
func TestTooManyTagsAreNotStored(t *testing.T) {
	p := Policy{TagFields: []string{"Cache-Tag"}}
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "tag-%d ", i)
	}
	for name, tags := range map[string]string{"many": many.String(), "long": strings.Repeat("x", 5000)} {
		j := judged(t, p, 200, fields("Cache-Control: max-age=60", "Cache-Tag: "+tags))
		require.NotEmpty(t, j.refused, name)
	}
}

func storedEntry(t *testing.T, body string, lines ...string) *store.Entry {
	t.Helper()
	p := compiled(t, Policy{})
	h := fields(lines...)
	e, err := store.New(store.Response{
		Key: "k", Status: 200, Body: []byte(body), StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
		Fields: p.storedFields(h, cachecontrol.ParseResponse(h["Cache-Control"]), len(body), 200),
	})
	require.NoError(t, err)
	return e
}

// RFC 9111 §3.2: a 304 updates all but Content-Length and what describes the stored bytes.
func TestFreshenedHeader(t *testing.T) {
	stored := func(etag string) *store.Entry {
		return storedEntry(t, "body", "Content-Type: text/plain", "Content-Encoding: br", "Content-Length: 4", "Content-Md5: old",
			"Etag: "+etag, "X-Old: stays", "X-New: old", "X-New: older", "Date: "+httpDate(-time.Hour), "Age: 5")
	}
	update := func(etag string) http.Header {
		return fields("Content-Type: text/html", "Content-Encoding: gzip", "Content-Length: 0", "Content-Md5: new", "Content-Digest: new",
			"Content-Range: bytes 0-1/2", "Etag: "+etag, "X-New: new", "Date: "+httpDate(0), "Connection: close, X-Hop", "X-Hop: 1",
			"Keep-Alive: timeout=5")
	}
	for _, tt := range []struct{ stored, update string }{
		{`"1"`, `"1"`},
		{`W/"1"`, `"1"`}, // weak for a reason, such as having been compressed
		{`"1"`, `W/"1"`},
	} {
		require.Equal(t, fields("Content-Type: text/html", "Content-Encoding: br", "Content-Length: 4", "Content-Md5: old",
			"Etag: "+tt.stored, "X-Old: stays", "X-New: new", "Date: "+httpDate(0)),
			freshenedHeader(stored(tt.stored), update(tt.update)), tt.update)
	}
	require.Equal(t, "5", freshenedHeader(stored(`"1"`), fields("Age: 5")).Get("Age"))
	require.Equal(t, `"2"`, freshenedHeader(storedEntry(t, "b", "Last-Modified: "+httpDate(0)), fields(`Etag: "2"`)).Get("Etag"))
}

// RFC 9111 §4.3.4: a 304 that names another validator updates nothing.
func TestA304OfOtherValidators(t *testing.T) {
	day, other := "Last-Modified: "+httpDate(-24*time.Hour), "Last-Modified: "+httpDate(-time.Hour)
	for _, tt := range []struct {
		stored, update []string
		want           bool
	}{
		{[]string{`Etag: "1"`}, nil, true}, // ours were the only ones
		{[]string{`Etag: "1"`}, []string{`Etag: "1"`}, true},
		{[]string{`Etag: "1"`}, []string{`Etag: W/"1"`}, true},
		{[]string{`Etag: "1"`}, []string{`Etag: "2"`}, false},
		{[]string{`Etag: "1"`}, []string{`Etag: W/"2"`}, false},
		{[]string{`Etag: "1"`}, []string{`Etag: "1"`, `Etag: "2"`}, false},
		{[]string{`Etag: "1"`, day}, []string{`Etag: "1"`, other}, true}, // the entity-tag counts
		{[]string{`Etag: "1"`, day}, []string{other}, false},
		{[]string{day}, []string{day}, true},
		{[]string{day}, []string{other}, false},
		{[]string{day}, []string{`Etag: "2"`}, false}, // of a response that isn't stored
		{[]string{day}, []string{`Etag: "2"`, day}, true},
	} {
		require.Equal(t, tt.want, speaksOf(storedEntry(t, "b", tt.stored...), fields(tt.update...)), "%v %v", tt.stored, tt.update)
	}
}

// A 304 to our own validators is judged as the response that it renews.
func TestJudgingA304(t *testing.T) {
	e := storedEntry(t, "body", "Cache-Control: max-age=10", `Etag: "1"`, "Vary: Accept")
	ours := func(a *asked) { a.validated = e }
	j := judged(t, Policy{}, 304, fields("Cache-Control: max-age=20, stale-if-error=5"), ours)
	require.True(t, j.freshened)
	require.Equal(t, Reason(""), j.refused)
	require.Equal(t, 200, j.draft.Status)
	require.Equal(t, 20*time.Second, j.draft.Lifetime)
	require.Equal(t, 5*time.Second, j.draft.StaleIfError)
	require.Equal(t, []string{"Accept"}, j.varyNames)

	j = judged(t, Policy{}, 304, fields(), ours)
	require.Equal(t, 10*time.Second, j.draft.Lifetime, "the stored Cache-Control still holds")
	j = judged(t, Policy{}, 304, fields("Cache-Control: no-store"), ours)
	require.True(t, j.freshened)
	require.Equal(t, ReasonNoStore, j.refused)
	require.False(t, judged(t, Policy{}, 304, fields()).freshened, "not to ours")
}

// Whether the body was made for nobody is known from the request that it was made for,
// not from the one that renewed it.
func TestJudgingA304KeepsForWhomTheBodyWasMade(t *testing.T) {
	const made = store.Anonymous | store.Sniffed
	for _, was := range []store.Flags{0, store.Anonymous, store.Sniffed, made} {
		e, err := store.New(store.Response{Key: "k", Status: 200, Flags: was, Fields: []store.Field{{Name: "Cache-Control", Values: []string{"max-age=10"}}}})
		require.NoError(t, err)
		for name, by := range map[string]func(*asked){"nobody": func(*asked) {}, "a cookie": withCookie, "authorization": withAuthorization} {
			j := judged(t, Policy{}, 304, fields(), by, func(a *asked) { a.validated = e })
			require.True(t, j.freshened)
			require.Equal(t, was, j.draft.Flags&made, "%v renewed by %s", was, name)
		}
	}
}

// Tags are computed once for what is stored, and for nothing else.
func TestTagsAreComputedForWhatIsStored(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  int
	}{
		"stored": {[]string{"Cache-Control: max-age=60"}, 1}, "private": {[]string{"Cache-Control: private"}, 0},
		"no-store": {[]string{"Cache-Control: no-store"}, 0}, "no lifetime": {nil, 0},
		"vary star": {[]string{"Cache-Control: max-age=60", "Vary: *"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			p := Policy{Tags: func(*http.Request, int, http.Header) []string { calls++; return nil }}
			m := newTimed(t, Config{Policy: p})
			fetchPage(m.wrap(tt.lines...))
			require.Equal(t, tt.want, calls)
		})
	}
}

func TestStoredFields(t *testing.T) {
	p := compiled(t, Policy{})
	h := fields("B: 2", "A: 1", "A: 3", "Age: 9", "Set-Cookie: a=b", "Connection: X-Hop", "X-Hop: 1", "Trailer:X: 1",
		"X-User: me", "X-Check: 1", `Cache-Control: private="x-user", no-cache="x-check"`)
	h["Empty"] = nil
	h[http.TrailerPrefix+"X"] = []string{"1"}
	got := p.storedFields(h, cachecontrol.ParseResponse(h["Cache-Control"]), 5, 200)
	require.Equal(t, []store.Field{
		{Name: "A", Values: []string{"1", "3"}}, {Name: "B", Values: []string{"2"}},
		{Name: "Cache-Control", Values: h["Cache-Control"]},
	}, got)
	require.NotNil(t, h["Set-Cookie"], "the handler's header stays as it is")

	length := func(bodyLen, status int, lines ...string) string {
		for _, f := range p.storedFields(fields(lines...), cachecontrol.ParseResponse(nil), bodyLen, status) {
			if f.Name == "Content-Length" {
				return f.Values[0]
			}
		}
		return ""
	}
	require.Equal(t, "7", length(7, 200, "Content-Length: 99"), "that of the body")
	require.Equal(t, "", length(7, 200), "net/http finds out")
	require.Equal(t, "2048", length(2048, 200))
	require.Equal(t, "", length(2048, 204))

	storing := compiled(t, Policy{Safety: Safety{SetCookie: StoreSetCookie}})
	got = storing.storedFields(fields("Set-Cookie: a=b"), cachecontrol.ParseResponse(nil), 0, 200)
	require.Equal(t, []store.Field{{Name: "Set-Cookie", Values: []string{"a=b"}}}, got)
}

// Each response says when it was made (RFC 9110 §6.6.1).
func TestDateIsAdded(t *testing.T) {
	h := fields("Cache-Control: max-age=60")
	judged(t, Policy{}, 200, h)
	require.Equal(t, httpDate(0), h.Get("Date"))
	h = fields("Date: " + httpDate(-time.Second))
	judged(t, Policy{}, 200, h)
	require.Equal(t, httpDate(-time.Second), h.Get("Date"))
}
