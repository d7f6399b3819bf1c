// SPDX-License-Identifier: MIT

package conformance

import "time"

// validating is RFC 9111 §4.3.1, §4.3.3 and §4.3.5 further: what the cache asks the origin, and
// what it makes of the answer.
var validating = []Case{
	{
		ID: "9111-4.3.1-both-validators", Cite: "RFC 9111 §4.3.1",
		Title: "both validators are sent where both are stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "Last-Modified: {start-1h}")},
			{
				Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want:   Want{By: Validated, Of: 1, Sees: Checks{Is("If-None-Match", `"1"`), Is("If-Modified-Since", "{start-1h}")}},
			},
		},
	},
	{
		ID: "9111-4.3.1-request-of-the-client", Cite: "RFC 9111 §4.3.1",
		Title: "a validation is the client's request with a condition added: its own fields and target stay",
		Steps: []Step{
			{Request: asksBy("GET", "/a?b=c%20d"), Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Request: asksBy("GET", "/a?b=c%20d", "X-A: 1", "X-A: 2", "Accept: text/csv", "User-Agent: x"),
				Origin:  saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want:    Want{By: Validated, Of: 1, Sees: Checks{Is("X-A", "1, 2"), Is("Accept", "text/csv"), Is("User-Agent", "x"), Is("If-None-Match", `"1"`)}},
			},
		},
	},
	{
		ID: "9111-4.3.1-nothing-to-validate-with", Cite: "RFC 9111 §4.3.1",
		Title: "without a stored validator the request is forwarded as it is, and the answer replaces what was stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=1"), Pass: 1200 * time.Millisecond},
			{Origin: says("Cache-Control: max-age=60"), Want: Want{Sees: Checks{No("If-None-Match"), No("If-Modified-Since"), No("If-Match"), No("If-Range")}}},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9111-4.3.1-strange-tag", Cite: "RFC 9111 §4.3.1",
		Title: "an entity tag with commas, backslashes and no letters is sent byte for byte",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "a, W/\b;'!*"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "a, W/\b;'!*"`), Want: Want{By: Validated, Of: 1, Sees: Checks{Is("If-None-Match", `"a, W/\b;'!*"`)}}},
		},
	},
	{
		ID: "9111-4.3.1-empty-tag", Cite: "RFC 9111 §4.3.1, RFC 9110 §8.8.3",
		Title: "an entity tag may be empty",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: ""`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: ""`), Want: Want{By: Validated, Of: 1, Sees: Checks{Is("If-None-Match", `""`)}}},
		},
	},
	{
		ID: "9111-4.3.1-not-of-another-target", Cite: "RFC 9111 §4.3.1",
		Title: "a validator is of its own target, and sent for no other",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a?"), Origin: says("Cache-Control: max-age=60")},
		},
	},
	{
		ID: "9111-4.3.2-client-with-another-validator", Cite: "RFC 9111 §4.3.2, RFC 9111 §4.3.3",
		Title: "when the origin confirms the stored response but not the client's, the client gets it whole",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Request: asks(`If-None-Match: "0"`), Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want: Want{By: Validated, Of: 1, Status: 200, Sees: Checks{Contains("If-None-Match", `"1"`)}},
			},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.3.2-client-with-the-same-validator", Cite: "RFC 9111 §4.3.2, RFC 9111 §4.3.4",
		Title: "when it confirms the client's too, the client gets 304 with the updated fields, and others the response",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Request: asks(`If-None-Match: "0", "1"`), Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "Expires: {start+1h}"),
				Want: Want{By: Validated, Status: 304, Header: Checks{Is("Etag", `"1"`), Is("Cache-Control", "max-age=60"), Is("Expires", "{start+1h}"), Has("Date")}},
			},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.3.3-full-response-that-is-not-stored", Cite: "RFC 9111 §4.3.3",
		Title: "a full response is used also where it must not be stored, and what it replaces isn't fresh again",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: says("Cache-Control: no-store"), Want: Want{By: Validated, Of: 2}},
			{Want: Want{By: Anyone, Calls: "1", Of: 3, Status: 200}},
		},
	},
	{
		ID: "9111-4.3.3-gone", Cite: "RFC 9111 §4.3.3",
		Title: "a 404 in answer to a validation is the newest word, and stands in for what was stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(404, "Cache-Control: max-age=60"), Want: Want{By: Validated, Of: 2, Status: 404}},
			{Want: Want{By: Stored, Of: 2, Status: 404}},
		},
	},
	{
		ID: "9111-4.3.3-redirected", Cite: "RFC 9111 §4.3.3",
		Title: "and so does a redirect",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(302, "Cache-Control: max-age=60", "Location: /b"), Want: Want{By: Validated, Of: 2, Status: 302}},
			{Want: Want{By: Stored, Of: 2, Status: 302, Header: Checks{Is("Location", "/b"), No("Etag")}}},
		},
	},
	{
		ID: "9111-4.3.3-error-keeps-what-is-stored", Cite: "RFC 9111 §4.3.3",
		Title: "a 5xx in answer to a validation leaves what is stored to be validated later",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(500), Want: Want{By: Validated, Of: 2, Status: 500}, Pass: time.Minute},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Validated, Of: 1, Status: 200}},
		},
	},
	{
		ID: "9111-4.3.3-validations-are-collapsed", Cite: "RFC 9111 §4.3.3, RFC 9111 §4",
		Title: "requests that come while a response is being validated are answered by that one validation",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=1", `Etag: "1"`), Pass: 1200 * time.Millisecond},
			{
				Also:   []Other{{Request: Request{Times: 4, Joins: true}, Want: Want{By: Validated, Of: 1}}},
				Origin: Answer{Status: 304, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}, Delay: 400 * time.Millisecond},
				Want:   Want{By: Validated, Of: 1},
			},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.3.3-broken-off-full-response", Cite: "RFC 9111 §4.3.3, RFC 9111 §3.3",
		Title: "a full response that breaks off is neither stored nor does it take away what is",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "2"`}, Fail: Aborts, After: 5}, Want: Want{By: Anyone, Calls: "1", Broken: true}, Pass: time.Minute},
			{
				Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want:   Want{By: Validated, Of: 1, Sees: Checks{Is("If-None-Match", `"1"`)}},
			},
		},
	},
	headed("other-tag", Lines{`Etag: "2"`, "Content-Length: 10"}, "another entity tag"),
	headed("other-length", Lines{`Etag: "1"`, "Content-Length: 11"}, "another length"),
	headed("other-date", Lines{`Etag: "1"`, "Last-Modified: {start-1h}"}, "another Last-Modified"),
	{
		ID: "9111-4.3.5-head-updates-fields", Cite: "RFC 9111 §4.3.5, RFC 9111 §3.2",
		Title: "a HEAD answer that agrees updates the fields of the stored GET, adds new ones and keeps the others",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "X-A: old", "X-B: old"}}},
			{
				Request: asksBy("HEAD", "/"), Origin: Answer{Empty: true, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "Content-Length: 10", "X-A: new", "X-C: new"}},
				Want: Want{By: Anyone, Calls: "1", Status: 200},
			},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("X-A", "new"), Is("X-B", "old"), Is("X-C", "new"), Is("Cache-Control", "max-age=60"), Between("Age", 0, 3)}}},
		},
	},
	{
		ID: "9111-4.3.5-head-that-failed", Cite: "RFC 9111 §4.3.5",
		Title: "a HEAD answer other than 200 says nothing of the stored GET",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: asksBy("HEAD", "/", "Cache-Control: no-cache"), Origin: saysStatus(500, `Etag: "2"`), Want: Want{By: Anyone, Calls: "1"}},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
}

// headed is a HEAD answer that shows that a fresh stored GET is no longer what it was.
func headed(name string, lines Lines, what string) Case {
	return Case{
		ID: "9111-4.3.5-head-with-" + name, Cite: "RFC 9111 §4.3.5",
		Title: "a HEAD answer with " + what + " makes the stored GET stale",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "Last-Modified: {start-2h}", "Content-Length: 10"}}},
			{
				Request: asksBy("HEAD", "/", "Cache-Control: no-cache"), Origin: Answer{Empty: true, Header: append(Lines{"Cache-Control: max-age=60"}, lines...)},
				Want: Want{By: Anyone, Calls: "1", Status: 200},
			},
			{Origin: says(`Etag: "2"`), Want: Want{By: Anyone, Calls: "1", Of: 3, Status: 200}},
		},
	}
}
