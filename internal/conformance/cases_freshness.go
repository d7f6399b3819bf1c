// SPDX-License-Identifier: MIT

package conformance

import "time"

// freshness is RFC 9111 §4.2: where a lifetime comes from, and when it ends.
var freshness = []Case{
	{
		ID: "9111-4.2-equal-is-stale", Cite: "RFC 9111 §4.2",
		Title: "a response is fresh while its lifetime is greater than its age, so not when they are equal",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10"}}},
			{},
		},
	},
	{
		ID: "9111-4.2-lifetime-ends", Cite: "RFC 9111 §4.2",
		Title: "what was fresh is stale when its lifetime is over",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=100"}}, Pass: 99 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Age", "99")}, CacheStatus: "ttl=1"}, Pass: time.Second},
			{Want: Want{CacheStatus: "fwd=stale"}},
		},
	},
	{
		ID: "9111-4.2-lifetime-ends-on-a-real-clock", Cite: "RFC 9111 §4.2",
		Title: "the same over a real connection",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1"}}, Pass: 1200 * time.Millisecond},
			{},
		},
	},
	{
		ID: "9111-4.2.1-s-maxage-wins", Cite: "RFC 9111 §4.2.1",
		Title: "in a shared cache s-maxage outranks max-age and Expires",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=5, s-maxage=60", "Expires: {now-1h}", "Age: 20"}}},
			{Want: Want{By: Stored, CacheStatus: "ttl=37..40"}},
		},
	},
	{
		ID: "9111-4.2.1-s-maxage-wins-when-it-is-shorter", Cite: "RFC 9111 §4.2.1",
		Title: "s-maxage outranks a longer max-age too",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60, s-maxage=5", "Age: 20"}}},
			{},
		},
	},
	{
		ID: "9111-4.2.1-max-age-wins-over-expires", Cite: "RFC 9111 §4.2.1, RFC 9111 §5.3",
		Title: "max-age outranks Expires",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Expires: {now-1h}"}}},
			{Want: Want{By: Stored, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-4.2.1-expires-counts-from-date", Cite: "RFC 9111 §4.2.1",
		Title: "Expires gives the lifetime from Date on, not from now",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Date: {now-50s}", "Expires: {now+10s}"}}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 50, 53)}, CacheStatus: "ttl=7..10"}},
		},
	},
	expires("imf-fixdate", "{now+1h}", true),
	expires("rfc850", "{now+1h|rfc850}", true),
	expires("asctime", "{now+1h|asctime}", true),
	expires("zero", "0", false),
	expires("a-past-date", "{now-1s}", false),
	expires("nonsense", "tomorrow", false),
	{
		ID: "9111-4.2.2-heuristic-from-last-modified", Cite: "RFC 9111 §4.2.2",
		Title: "without an explicit lifetime, a fraction of the time since Last-Modified may be taken for one",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Last-Modified: {start-1000s}"}}},
			{Want: Want{By: Stored, Header: Checks{Is("Last-Modified", "{start-1000s}")}, CacheStatus: "ttl=90..100"}},
		},
	},
}

// expires is a value of Expires that gives a lifetime, or one that has passed.
func expires(name, value string, fresh bool) Case {
	c := Case{
		ID: "9111-5.3-expires-" + name, Cite: "RFC 9111 §5.3, RFC 9110 §5.6.7",
		Title: "Expires: " + value,
		Steps: []Step{{Origin: Answer{Header: Lines{"Date: {now}", "Expires: " + value}}}, {}},
	}
	if fresh {
		c.Steps[1].Want.By = Stored
	}
	return c
}
