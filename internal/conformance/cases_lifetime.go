// SPDX-License-Identifier: MIT

package conformance

import "time"

// lifetime is RFC 9111 §4.2.1 further, with §5.2.2.1, §5.2.2.10 and §5.3: values in all
// forms, good and bad.
var lifetime = []Case{
	lives("5.2.2.1", "max-age-zero", "max-age=0", false, "a lifetime of zero is stale at once"),
	lives("5.2.2.1", "max-age-leading-zeros", "max-age=0060", true, "leading zeros don't change a number"),
	lives("5.2.2.1", "max-age-in-capitals", "Max-AGE=60", true, "directives have no case"),
	lives("5.2", "quoted-max-age", `max-age="60"`, true, "the quoted form of an argument is accepted"),
	lives("5.2", "single-quotes", "max-age='60'", false, "single quotes don't quote"),
	lives("4.2.1", "max-age-not-a-number", "max-age=abc", false, "a lifetime that is no number counts as stale"),
	lives("4.2.1", "max-age-with-a-unit", "max-age=60s", false, "nor is one with a unit a number"),
	lives("4.2.1", "max-age-fraction", "max-age=60.5", false, "nor is a fraction one"),
	lives("4.2.1", "max-age-negative", "max-age=-60", false, "nor a negative number"),
	lives("4.2.1", "max-age-plus", "max-age=+60", false, "nor one with a sign"),
	lives("4.2.1", "max-age-hexadecimal", "max-age=0x60", false, "nor is one in another base"),
	lives("4.2.1", "max-age-empty", "max-age=", false, "an empty lifetime counts as stale"),
	lives("4.2.1", "max-age-alone", "max-age", false, "a lifetime without a value counts as stale"),
	lives("4.2.1", "s-maxage-not-a-number", "s-maxage=abc, max-age=60", false, "a bad s-maxage isn't replaced by what it outranks"),
	lives("4.2.1", "s-maxage-zero", "s-maxage=0, max-age=60", false, "s-maxage=0 outranks max-age"),
	lives("4.2.1", "max-age-beside-another-bad-directive", "stale-if-error=x, max-age=60, foo=", true, "a bad directive of another name doesn't spoil max-age"),
	lives("5.2", "blanks-and-empty-members", " ,,  max-age=60 ,, ", true, "empty members of a list mean nothing"),
	lives("5.2.3", "unknown-directives", `foo, bar="no-store, max-age=0", baz=1, max-age=60`, true, "directives that aren't known are ignored, with what stands in their quotes"),
	lives("5.2.3", "quoted-pair", `foo="a\", no-store, max-age=0, b\"", max-age=60`, true, "an escaped quote doesn't end a quoted string"),
	lives("5.2.3", "prefix-of-a-directive", "x-max-age=60, max-age-x=60", false, "a directive whose name merely contains max-age is another"),
	lives("5.2.2.1", "argument-in-another-directive", `foo=max-age=60`, false, "nor does max-age stand in the argument of another"),
	lives("1.2.2", "saturation", "max-age=2147483648", true, "a number beyond 31 bits is infinite, not negative"),
	lives("1.2.2", "saturation-64", "max-age=9223372036854775808", true, "nor does one beyond 63 bits overflow"),
	lives("1.2.2", "saturation-endless", "max-age=99999999999999999999999999999999999999", true, "nor one of any length"),
	{
		ID: "9111-5.2-directives-on-several-lines", Cite: "RFC 9111 §5.2, RFC 9110 §5.3",
		Title: "directives on several lines count as if they stood in one",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: foo", "Cache-Control: max-age=60", "Cache-Control: bar")},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored}},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60", "Cache-Control: no-store")},
			{Request: asksBy("GET", "/b")},
		},
	},
	{
		ID: "9111-4.2.1-duplicates", Cite: "RFC 9111 §4.2.1",
		Title: "of two values the first counts or the response is stale: two shorter than the age are never fresh",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=1", "Cache-Control: max-age=600", "Age: 30")},
			{},
		},
	},
	{
		ID: "9111-4.2.1-equal-duplicates", Cite: "RFC 9111 §4.2.1",
		Title: "the same value twice says nothing else than once",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, max-age=60")},
			{Want: Want{By: Stored, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-4.2.1-bad-max-age-and-expires", Cite: "RFC 9111 §4.2.1, RFC 9111 §5.3",
		Title: "Expires doesn't stand in for a max-age that can't be read",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=x", "Expires: {now+1h}")},
			{},
		},
	},
	{
		ID: "9111-5.3-max-age-shorter-than-expires", Cite: "RFC 9111 §5.3",
		Title: "Expires is ignored beside max-age, also where it is later",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Expires: {now+1h}", "Age: 10")},
			{},
		},
	},
	{
		ID: "9111-5.3-s-maxage-and-expires", Cite: "RFC 9111 §5.3, RFC 9111 §5.2.2.10",
		Title: "nor does Expires count beside s-maxage",
		Steps: []Step{
			{Origin: says("Cache-Control: s-maxage=60", "Expires: 0")},
			{Want: Want{By: Stored, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-5.3-without-date", Cite: "RFC 9111 §5.3, RFC 9110 §6.6.1",
		Title: "where the origin sends no Date, Expires counts from when the response was received",
		Not:   map[Transport]string{Proxy: "the server of the origin adds Date"},
		Steps: []Step{
			{Origin: says("Date", "Expires: {now+60s}")},
			{Want: Want{By: Stored, CacheStatus: "ttl=56..60"}},
		},
	},
	{
		ID: "9111-5.3-bad-date", Cite: "RFC 9111 §5.3, RFC 9110 §6.6.1",
		Title: "a Date that is no date doesn't make a response fresh that has expired",
		Steps: []Step{
			{Origin: says("Date: yesterday", "Expires: {now-60s}")},
			{},
		},
	},
	{
		ID: "9111-4.2.1-expired-by-the-clock-of-the-origin", Cite: "RFC 9111 §4.2.1",
		Title: "an Expires that lies before Date is past, also where it lies in the future for us",
		Steps: []Step{
			{Origin: says("Date: {now+2h}", "Expires: {now+1h}")},
			{},
		},
	},
	expires("equal-to-date", "{now}", false),
	expires("minus-one", "-1", false),
	expires("now", "now", false),
	expires("empty", "", false),
	expires("a-number", "3600", false),
	expires("zone", "Fri, 01 Jan 2100 00:00:00 UTC", false),
	expires("numeric-zone", "Fri, 01 Jan 2100 00:00:00 +0000", false),
	expires("without-zone", "Fri, 01 Jan 2100 00:00:00", false),
	expires("no-such-day", "Thu, 31 Feb 2101 00:00:00 GMT", false),
	expires("no-such-hour", "Fri, 01 Jan 2100 25:00:00 GMT", false),
	expires("fractional-seconds", "Fri, 01 Jan 2100 00:00:00.5 GMT", false),
	expires("two-digit-hour-missing", "Fri, 01 Jan 2100 0:00:00 GMT", false),
	expires("dashes", "Fri, 01-Jan-2100 00:00:00 GMT", false),
	expires("iso-8601", "2100-01-01T00:00:00Z", false),
	expires("something-behind", "Fri, 01 Jan 2100 00:00:00 GMT; foo", false),
	expires("quoted", `"Fri, 01 Jan 2100 00:00:00 GMT"`, false),
	expires("two-dates", "Fri, 01 Jan 2100 00:00:00 GMT, Fri, 01 Jan 2100 00:00:00 GMT", false),
	expires("beyond-2038", "Fri, 01 Jan 2100 00:00:00 GMT", true),
	expires("far-future", "Fri, 31 Dec 9999 23:59:59 GMT", true),
	expires("small-letters", "fri, 01 jan 2100 00:00:00 gmt", true),
	{
		ID: "9111-4.2.1-several-expires", Cite: "RFC 9111 §4.2.1",
		Title: "of several Expires the first counts or the response is stale: with a past one first it is stale",
		Steps: []Step{
			{Origin: says("Expires: {now-1h}", "Expires: {now+1h}")},
			{},
		},
	},
	{
		ID: "9111-4.2.1-expires-is-given-as-it-came", Cite: "RFC 9111 §4.2.1",
		Title: "Expires and Date reach later clients as they came, so that their lifetime is the same for them",
		Steps: []Step{
			{Origin: says("Date: {now-30s}", "Expires: {start+30s}"), Pass: 20 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Expires", "{start+30s}"), Is("Date", "{start-30s}"), Is("Age", "50")}, CacheStatus: "ttl=10"}, Pass: 10 * time.Second},
			{},
		},
	},
	{
		ID: "9111-4.2.1-long-lives-are-not-cut-short", Cite: "RFC 9111 §4.2.1, RFC 9111 §5.3",
		Title: "a day's lifetime lasts the day",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=86400"), Pass: 86399 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Age", "86399")}}, Pass: time.Second},
			{},
		},
	},
}

// lives is a Cache-Control that gives a response a lifetime, or none.
func lives(section, name, control string, fresh bool, title string) Case {
	c := Case{
		ID: "9111-" + section + "-" + name, Cite: "RFC 9111 §" + section, Title: title,
		Steps: []Step{{Origin: says("Cache-Control: " + control)}, {}},
	}
	if fresh {
		c.Steps[1].Want.By = Stored
	}
	return c
}
