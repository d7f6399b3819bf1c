// SPDX-License-Identifier: MIT

package conformance

// reuse is RFC 9111 §4: which request a stored response may be given to.
var reuse = []Case{
	{
		ID: "9111-4-head-from-get", Cite: "RFC 9111 §4, RFC 9110 §9.3.2",
		Title: "HEAD is answered from a stored GET, with its fields and no body",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "X-A: 1"}}},
			{Request: asksBy("HEAD", "/"), Want: Want{By: Stored, Status: 200, Header: Checks{Is("Content-Length", "10"), Is("Etag", `"1"`), Is("X-A", "1")}}},
			{Want: Want{By: Stored}},
		},
	},
	targetApart("query", "/a?x=1", "/a?x=2"), targetApart("order-of-the-query", "/a?x=1&y=2", "/a?y=2&x=1"),
	targetApart("empty-query", "/a", "/a?"), targetApart("case-of-the-path", "/a", "/A"),
	targetApart("slash-at-the-end", "/a", "/a/"), targetApart("two-slashes", "/a/b", "/a//b"),
	targetApart("encoded-slash", "/a/b", "/a%2Fb"), targetApart("plus-and-blank", "/a?x=1+2", "/a?x=1%202"),
	targetApart("semicolon", "/a;v=1", "/a;v=2"),
	{
		ID: "9111-4-other-host", Cite: "RFC 9111 §4, RFC 9110 §7.1",
		Title: "the host is part of the target, in any case of its letters",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Host: "example.org"}, Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Host: "example.com:8080"}},
			{Want: Want{By: Stored, Of: 1}},
			{Request: Request{Host: "example.org"}, Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9111-4-unsafe-is-written-through", Cite: "RFC 9111 §4",
		Title: "an unsafe request always reaches the origin, with its body, whatever is stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Method: "POST", Body: "a"}, Origin: saysStatus(403)},
			{Request: Request{Method: "FROB", Body: "b"}, Origin: saysStatus(403)},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4-only-if-cached-and-post", Cite: "RFC 9111 §4",
		Title: "a request's directives don't keep an unsafe one from the origin",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "a", Header: Lines{"Cache-Control: only-if-cached, max-stale"}}},
		},
	},
	{
		ID: "9111-4-no-cache-is-never-reused-unasked", Cite: "RFC 9111 §4, RFC 9111 §5.2.2.4",
		Title: "a response with no-cache is used only after it was validated, each time",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, no-cache", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60, no-cache", `Etag: "1"`), Want: Want{By: Validated, Of: 1}},
			{Origin: saysStatus(304, "Cache-Control: max-age=60, no-cache", `Etag: "1"`), Want: Want{By: Validated, Of: 1}},
		},
	},
	{
		ID: "9111-4-error-is-not-shared-beyond-its-lifetime", Cite: "RFC 9111 §4, RFC 9111 §4.2",
		Title: "an error with a lifetime is reused while it is fresh, and not longer",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: saysStatus(404, "Cache-Control: max-age=60", "Age: 30")},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Status: 404, Header: Checks{Between("Age", 30, 33)}}},
			{Request: asksBy("GET", "/b"), Origin: saysStatus(404, "Cache-Control: max-age=10", "Age: 10")},
			{Request: asksBy("GET", "/b")},
		},
	},
	{
		ID: "9111-4-body-of-any-framing", Cite: "RFC 9111 §4",
		Title: "a body of unknown length is given from the store byte for byte, and so is an empty one",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Body: "first\x00\xff\r\nsecond", Chunks: true}},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored}},
			{Request: asksBy("GET", "/b"), Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Empty: true}},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored, Empty: true}},
		},
	},
}

// targetApart are two targets that no cache may take for one.
func targetApart(name, first, second string) Case {
	return Case{
		ID: "9111-4-target-" + name, Cite: "RFC 9111 §4, RFC 9110 §4.2.3",
		Title: first + " and " + second + " are different targets",
		Steps: []Step{
			{Request: asksBy("GET", first), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", second), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", first), Want: Want{By: Stored, Of: 1}},
			{Request: asksBy("GET", second), Want: Want{By: Stored, Of: 2}},
		},
	}
}
