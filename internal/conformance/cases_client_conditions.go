// SPDX-License-Identifier: MIT

package conformance

// conditional is RFC 9111 §4.3.2: conditions of the client, evaluated by the cache.
var conditional = []Case{
	condition("star", Lines{"If-None-Match: *"}, true, "any stored response matches *"),
	condition("weak-against-strong", Lines{`If-None-Match: W/"1"`}, true, "entity tags are compared weakly"),
	condition("second-line", Lines{`If-None-Match: "0"`, `If-None-Match: "1"`}, true, "several lines are one list"),
	condition("empty-members", Lines{`If-None-Match: , "0",, "1" ,`}, true, "empty members mean nothing"),
	condition("no-blanks", Lines{`If-None-Match: "0","1"`}, true, "blanks between the members may be missing"),
	condition("inside-another", Lines{`If-None-Match: "0,1", "1 ", "11"`}, false, "a part of an entity tag isn't the tag"),
	condition("small-w", Lines{`If-None-Match: w/"1"`}, false, "the mark of weak tags is a capital letter"),
	condition("quoted-star", Lines{`If-None-Match: "*"`}, false, "a star in quotes is an entity tag like others"),
	condition("tag-outranks-date", Lines{`If-None-Match: "2"`, "If-Modified-Since: {start}"}, false, "If-Modified-Since is ignored beside If-None-Match that fails"),
	condition("tag-outranks-older-date", Lines{`If-None-Match: "1"`, "If-Modified-Since: {start-5h}"}, true, "and beside one that matches"),
	condition("date-later", Lines{"If-Modified-Since: {start-1m}"}, true, "nor since a later one"),
	condition("date-rfc850", Lines{"If-Modified-Since: {start-1h|rfc850}"}, true, "the date may be in the form of RFC 850"),
	condition("date-asctime", Lines{"If-Modified-Since: {start-1h|asctime}"}, true, "or in that of asctime"),
	condition("date-rfc850-earlier", Lines{"If-Modified-Since: {start-2h|rfc850}"}, false, "and is compared then, not taken for a match"),
	condition("no-date", Lines{"If-Modified-Since: yesterday"}, false, "what is no date is no condition"),
	condition("date-and-more", Lines{"If-Modified-Since: {start}; length=10"}, false, "nor is a date with something behind it"),
	{
		ID: "9111-4.3.2-strong-against-weak", Cite: "RFC 9111 §4.3.2, RFC 9110 §8.8.3.2",
		Title: "a stored weak entity tag matches the client's strong one, as the comparison is weak",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: W/"1"`)},
			{Request: asks(`If-None-Match: "1"`), Want: Want{By: Stored, Status: 304, Header: Checks{Is("Etag", `W/"1"`)}}},
		},
	},
	{
		ID: "9111-4.3.2-date-for-last-modified", Cite: "RFC 9111 §4.3.2",
		Title: "without Last-Modified, If-Modified-Since is compared with Date",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Date: {start-30s}")},
			{Request: asks("If-Modified-Since: {start-30s}"), Want: Want{By: Stored, Status: 304}},
			{Request: asks("If-Modified-Since: {start-31s}"), Want: Want{By: Stored, Status: 200}},
		},
	},
	{
		ID: "9111-4.3.2-tag-without-a-stored-one", Cite: "RFC 9111 §4.3.2",
		Title: "a response without entity tag matches none, but it matches *",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Last-Modified: {start-1h}")},
			{Request: asks(`If-None-Match: "1"`, "If-Modified-Since: {start}"), Want: Want{By: Stored, Status: 200}},
			{Request: asks("If-None-Match: *"), Want: Want{By: Stored, Status: 304}},
		},
	},
	{
		ID: "9111-4.3.2-only-of-200", Cite: "RFC 9111 §4.3.2, RFC 9110 §13.2.1",
		Title: "a stored error or redirect is given as it is, whatever condition its validators meet",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: saysStatus(404, "Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: asksBy("GET", "/a", `If-None-Match: "1"`), Want: Want{By: Stored, Status: 404}},
			{Request: asksBy("GET", "/b"), Origin: saysStatus(301, "Cache-Control: max-age=60", `Etag: "1"`, "Location: /a")},
			{Request: asksBy("GET", "/b", "If-None-Match: *"), Want: Want{By: Stored, Status: 301}},
		},
	},
	{
		ID: "9111-4.3.2-head", Cite: "RFC 9111 §4.3.2",
		Title: "conditions of a HEAD request are evaluated like those of GET",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: asksBy("HEAD", "/", `If-None-Match: "1"`), Want: Want{By: Stored, Status: 304}},
			{Request: asksBy("HEAD", "/", `If-None-Match: "2"`), Want: Want{By: Stored, Status: 200}},
		},
	},
	{
		ID: "9111-4.3.2-fields-of-304", Cite: "RFC 9111 §4.3.2, RFC 9110 §15.4.5",
		Title: "a 304 of the cache has the metadata of the stored response, and no body",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, foo", `Etag: "1"`, "Vary: X-A", "Expires: {start+1h}", "Content-Location: /x")},
			{Request: asks(`If-None-Match: "1"`), Want: Want{By: Stored, Status: 304, Header: Checks{
				Is("Cache-Control", "max-age=60, foo"), Is("Etag", `"1"`), Is("Vary", "X-A"), Is("Expires", "{start+1h}"), Is("Content-Location", "/x"), SameAs("Date", 1), Has("Age"),
			}}},
		},
	},
	{
		ID: "9111-4.3.2-if-match-is-the-origin-s", Cite: "RFC 9111 §4.3.2",
		Title: "If-Match and If-Unmodified-Since aren't the cache's to evaluate: the origin answers",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`, "Last-Modified: {start-1h}")},
			{Request: asks(`If-Match: "2"`), Origin: saysStatus(412), Want: Want{Sees: Checks{Is("If-Match", `"2"`)}}},
			{Request: asks("If-Unmodified-Since: {start-2h}"), Origin: saysStatus(412), Want: Want{Sees: Checks{Is("If-Unmodified-Since", "{start-2h}")}}},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.3.2-condition-of-an-unsafe-request", Cite: "RFC 9111 §4.3.2, RFC 9111 §4",
		Title: "the condition of an unsafe request is the origin's to evaluate",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: Request{Method: "PUT", Body: "x", Header: Lines{"If-None-Match: *"}}, Origin: saysStatus(412), Want: Want{Sees: Checks{Is("If-None-Match", "*")}}},
			{Request: Request{Method: "PUT", Body: "x", Header: Lines{`If-Match: "1"`}}, Origin: saysStatus(412), Want: Want{Sees: Checks{Is("If-Match", `"1"`)}}},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.3.2-condition-by-variant", Cite: "RFC 9111 §4.3.2, RFC 9111 §4.1",
		Title: "a condition is evaluated with the validators of the selected response, not of another variant",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A", `Etag: "1"`)},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A", `Etag: "2"`)},
			{Request: asks("X-A: 1", `If-None-Match: "2"`), Want: Want{By: Stored, Of: 1, Status: 200}},
			{Request: asks("X-A: 2", `If-None-Match: "2"`), Want: Want{By: Stored, Status: 304}},
		},
	},
}

// condition is a request for a fresh response that has the entity tag "1" and was modified
// an hour before the case began.
func condition(name string, lines Lines, unchanged bool, title string) Case {
	c := Case{
		ID: "9111-4.3.2-condition-" + name, Cite: "RFC 9111 §4.3.2", Title: title,
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`, "Last-Modified: {start-1h}")},
			{Request: Request{Header: lines}, Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	}
	if unchanged {
		c.Steps[1].Want = Want{By: Stored, Status: 304, Header: Checks{Is("Etag", `"1"`)}}
	}
	return c
}
