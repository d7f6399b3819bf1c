// SPDX-License-Identifier: MIT

package conformance

// targets is RFC 9213, with CDN-Cache-Control, which targets this cache in the profile
// rfc and not in safe, and RFC 8246 and RFC 9875.
var targets = []Case{
	{
		ID: "9213-2.2-outranks-cache-control", Cite: "RFC 9213 §2.2",
		Title: "a valid targeted field counts in place of Cache-Control; it is passed on unchanged, and so is that",
		Steps: []Step{
			{
				Origin: says("Cache-Control: no-store", "CDN-Cache-Control: max-age=60,  Foo=bar;a"),
				Want:   Want{Header: Checks{Is("Cdn-Cache-Control", "max-age=60,  Foo=bar;a"), Is("Cache-Control", "no-store")}},
			},
			{},
		},
	},
	both("9213-2.2-storing-where-cache-control-forbids", "RFC 9213 §2.2", "max-age=60", "Cache-Control: no-store", false, true),
	both("9213-2.2-forbidding-where-cache-control-allows", "RFC 9213 §2.2", "no-store", "Cache-Control: max-age=60", true, false),
	both("9213-2.2-private-where-cache-control-allows", "RFC 9213 §2.2", "private", "Cache-Control: max-age=60", true, false),
	both("9213-2.2-outranks-expires", "RFC 9213 §2.2", "max-age=60", "Expires: {now-1h}", false, true),
	both("9213-2.2-shorter-than-expires", "RFC 9213 §2.2", "max-age=0", "Expires: {now+1h}", true, false),
	both("9213-2.2-no-lifetime-of-its-own", "RFC 9213 §2.2", "must-revalidate", "Cache-Control: max-age=60", true, false),
	both("9213-2.2-s-maxage", "RFC 9213 §2.2, RFC 9111 §5.2.2.10", "s-maxage=60, max-age=0", "Cache-Control: max-age=0", false, true),
	both("9213-2.1-parameters-are-ignored", "RFC 9213 §2.1", `max-age=60;x=1;y="a, b"`, "Cache-Control: no-store", false, true),
	both("9213-2.1-last-one-counts", "RFC 9213 §2.1", "max-age=0, max-age=60", "Cache-Control: no-store", false, true),
	both("9213-2.1-unknown-directives", "RFC 9213 §2.1", `a, b="c, no-store", max-age=60, d=(1 2), e=:YQ==:`, "Cache-Control: no-store", false, true),
	both("9213-2.1-only-unknown-directives", "RFC 9213 §2.1, RFC 9213 §2.2", "none", "Cache-Control: max-age=60", true, false),
	both("9213-2.1-blanks-of-a-dictionary", "RFC 9213 §2.1", "max-age=60 ,\t public", "Cache-Control: no-store", false, true),
	invalid("two-members-without-a-comma", "max-age=60 public"),
	invalid("a-comma-at-the-end", "max-age=60,"),
	invalid("an-empty-member", "max-age=60,,public"),
	invalid("capitals", "Max-Age=60"),
	invalid("blanks-around-the-sign", "max-age = 60"),
	invalid("an-integer-that-is-too-long", "max-age=1234567890123456"),
	invalid("an-open-string", `max-age=60, a="b`),
	invalid("another-separator", "max-age=60; public; =1"),
	invalid("empty", ""),
	{
		ID: "9213-2.1-several-lines", Cite: "RFC 9213 §2.1, RFC 9110 §5.3",
		Title: "several lines are one dictionary",
		Steps: []Step{
			{Origin: says("Cache-Control: no-store", "CDN-Cache-Control: public", "CDN-Cache-Control: max-age=60"), Want: Want{Header: Checks{Is("Cdn-Cache-Control", "public, max-age=60")}}},
			{WantRFC: &Want{By: Stored, Header: Checks{Is("Cdn-Cache-Control", "public, max-age=60")}}},
		},
	},
	{
		ID: "9213-2.1-a-lifetime-that-is-no-integer", Cite: "RFC 9213 §2.1",
		Title: "a lifetime of another type isn't made to one",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: no-store", `CDN-Cache-Control: max-age="60"`)},
			{Request: asksBy("GET", "/a")},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: no-store", "CDN-Cache-Control: max-age=60.0")},
			{Request: asksBy("GET", "/b")},
		},
	},
	{
		ID: "9213-2.2-others-are-not-on-the-list", Cite: "RFC 9213 §2.2",
		Title: "a targeted field for other caches says nothing to this one, and is passed on",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Other-Cache-Control: no-store"), Want: Want{Header: Checks{Is("Other-Cache-Control", "no-store")}}},
			{Want: Want{By: Stored, Header: Checks{Is("Other-Cache-Control", "no-store")}}},
		},
	},
	{
		ID: "9213-2.2-windows-and-validation", Cite: "RFC 9213 §2.2, RFC 5861 §4",
		Title: "the field counts in place of Cache-Control in all that it says, windows included", For: RFC,
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, must-revalidate", "CDN-Cache-Control: max-age=10, stale-if-error=600", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(503), Want: Want{By: Stale, Calls: "1", Status: 200}},
		},
	},
	{
		ID: "9213-2.2-validated-with-it", Cite: "RFC 9213 §2.2, RFC 9111 §4.3.4", For: RFC,
		Title: "a 304 brings a new targeted field as it brings a new Cache-Control",
		Steps: []Step{
			{Origin: says("CDN-Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: no-cache", "CDN-Cache-Control: max-age=100", `Etag: "1"`), Want: Want{By: Validated, Status: 200}},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("Cdn-Cache-Control", "max-age=100")}, CacheStatus: "ttl=97..100"}},
		},
	},
	{
		ID: "8246-2-reload-while-fresh", Cite: "RFC 8246 §2",
		Title: "the reload of a fresh immutable response isn't passed on to the origin",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=600, immutable", "Age: 100", `Etag: "1"`)},
			{Request: asks("Cache-Control: max-age=0"), Want: Want{By: Stored, Status: 200}},
			{Request: asks("Cache-Control: max-age=0", `If-None-Match: "1"`), Want: Want{By: Stored, Status: 304}},
		},
	},
	{
		ID: "8246-2-reload-of-others", Cite: "RFC 8246 §2, RFC 9111 §5.2.1.1",
		Title: "without immutable it is",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=600", "Age: 100", `Etag: "1"`)},
			{Request: asks("Cache-Control: max-age=0"), Origin: saysStatus(304, `Etag: "1"`), Want: Want{By: Validated, Status: 200}},
		},
	},
	{
		ID: "8246-2-forced-reload", Cite: "RFC 8246 §2, RFC 9111 §5.2.1.4",
		Title: "no-cache is the signal that a validation is wanted, immutable or not",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=600, immutable", `Etag: "1"`)},
			{Request: asks("Cache-Control: no-cache"), Origin: says("Cache-Control: max-age=600, immutable", `Etag: "2"`), Want: Want{By: Validated}},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "8246-2-only-while-fresh", Cite: "RFC 8246 §2",
		Title: "when its lifetime is over an immutable response is like any other",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, immutable", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60, immutable", `Etag: "1"`), Want: Want{By: Validated, Status: 200}},
		},
	},
	{
		ID: "8246-2-immutable-is-no-lifetime", Cite: "RFC 8246 §2",
		Title: "immutable gives no lifetime, nor does its argument take it away",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: immutable")},
			{Request: asksBy("GET", "/a")},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=600, immutable=0", "Age: 100")},
			{Request: asksBy("GET", "/b", "Cache-Control: max-age=0"), Want: Want{By: Stored}},
		},
	},
	{
		ID: "9875-2-groups-pass", Cite: "RFC 9875 §2",
		Title: "Cache-Groups reaches the client, from the origin and from the store, as it is",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Cache-Groups: "a, b", "scripts";x=1`), Want: Want{Header: Checks{Is("Cache-Groups", `"a, b", "scripts";x=1`)}}},
			{Want: Want{By: Stored, Header: Checks{Is("Cache-Groups", `"a, b", "scripts";x=1`)}}},
		},
	},
	{
		ID: "9875-3-ignored-on-safe-methods", Cite: "RFC 9875 §3",
		Title: "Cache-Group-Invalidation is ignored in answer to a safe method, and passed on",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60", `Cache-Groups: "a"`)},
			{Request: asksBy("GET", "/b"), Origin: says(`Cache-Group-Invalidation: "a"`), Want: Want{Header: Checks{Is("Cache-Group-Invalidation", `"a"`)}}},
			{Request: asksBy("OPTIONS", "/a"), Origin: says(`Cache-Group-Invalidation: "a"`)},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9875-2.1-group-of-another-origin", Cite: "RFC 9875 §2.1, RFC 9875 §3",
		Title: "a group is one of its origin: what another site calls the same isn't invalidated with it",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60", `Cache-Groups: "a"`)},
			{Request: Request{Method: "POST", Target: "/b", Host: "other.example", Body: "x"}, Origin: says(`Cache-Group-Invalidation: "a"`)},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored}},
		},
	},
}

// both is a targeted field beside what it outranks, and whether the response is reused
// in the profile safe, where it doesn't count, and in rfc.
func both(id, cite, targeted, other string, safe, rfc bool) Case {
	c := Case{
		ID: id, Cite: cite,
		Title: "CDN-Cache-Control: " + targeted + " beside " + other,
		Steps: []Step{{Origin: says(other, "CDN-Cache-Control: "+targeted)}, {}},
	}
	if safe {
		c.Steps[1].Want = Want{By: Stored}
	}
	c.Steps[1].WantRFC = &Want{By: Forwarded}
	if rfc {
		c.Steps[1].WantRFC = &Want{By: Stored}
	}
	return c
}

// invalid is a value that isn't a dictionary of Structured Fields, or an empty one.
func invalid(name, value string) Case {
	return Case{
		ID: "9213-2.1-not-valid-" + name, Cite: "RFC 9213 §2.1",
		Title: "a targeted field that can't be parsed or is empty counts as absent, as a whole: " + value,
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: no-store", "CDN-Cache-Control: "+value)},
			{Request: asksBy("GET", "/a")},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60", "CDN-Cache-Control: "+value)},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored}},
		},
	}
}
