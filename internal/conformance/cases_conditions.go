// SPDX-License-Identifier: MIT

package conformance

// preconditions is RFC 9110 §13 and §8.8 as far as RFC 9111 §4.3.2 leaves it open: conditions
// of requests that are forwarded, and what stands in a 304.
var preconditions = []Case{
	matching("8.8.3-tags-are-case-sensitive", "RFC 9110 §8.8.3, RFC 9110 §13.1.2", `Etag: "a"`, `If-None-Match: "A"`, false),
	matching("8.8.3-comma-in-a-tag", "RFC 9110 §8.8.3, RFC 9110 §13.1.2", `Etag: "a,b"`, `If-None-Match: "c", "a,b"`, true),
	matching("13.1.2-empty-tag", "RFC 9110 §13.1.2, RFC 9110 §8.8.3", `Etag: ""`, `If-None-Match: ""`, true),
	{
		ID: "9110-13.1.1-if-match-on-a-miss", Cite: "RFC 9110 §13.1.1, RFC 9110 §13.2.1",
		Title: "If-Match and If-Unmodified-Since reach the origin, and a 412 is for nobody else",
		Steps: []Step{
			{
				Request: Request{Header: Lines{`If-Match: "2"`, "If-Unmodified-Since: {start-2h}"}},
				Origin:  Answer{Status: 412, Header: Lines{"Cache-Control: max-age=60"}},
				Want:    Want{Sees: Checks{Is("If-Match", `"2"`), Is("If-Unmodified-Since", "{start-2h}")}},
			},
			{},
		},
	},
	{
		ID: "9110-13.1.2-if-none-match-on-a-miss", Cite: "RFC 9110 §13.1.2, RFC 9111 §4.3.2",
		Title: "where the answer may be stored the origin is asked for the whole, and the client gets its 304 from that",
		Steps: []Step{
			{
				Request: Request{Header: Lines{`If-None-Match: "1"`}},
				Origin:  Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}},
				Want:    Want{Status: 304, Sees: Checks{No("If-None-Match")}, Header: Checks{Is("Etag", `"1"`)}, CacheStatus: "fwd=uri-miss"},
			},
			{Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	},
	{
		ID: "9110-13.1.2-if-none-match-fails-on-a-miss", Cite: "RFC 9110 §13.1.2, RFC 9111 §4.3.2",
		Title: "where the condition holds the client gets the whole, and it is stored",
		Steps: []Step{
			{Request: Request{Header: Lines{`If-None-Match: "2"`}}, Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9110-13.1.3-if-modified-since-on-a-miss", Cite: "RFC 9110 §13.1.3, RFC 9111 §4.3.2",
		Title: "the same with If-Modified-Since",
		Steps: []Step{
			{
				Request: Request{Header: Lines{"If-Modified-Since: {start-1h}"}},
				Origin:  Answer{Header: Lines{"Cache-Control: max-age=60", "Last-Modified: {start-1h}"}},
				Want:    Want{Status: 304, Sees: Checks{No("If-Modified-Since")}},
			},
			{Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	},
	{
		ID: "9110-13.2.1-no-condition-on-errors-that-just-come", Cite: "RFC 9110 §13.2.1",
		Title: "nor on an error that comes from the origin just now",
		Steps: []Step{
			{Request: Request{Header: Lines{`If-None-Match: "1"`}}, Origin: Answer{Status: 500, Header: Lines{`Etag: "1"`}}},
			{Request: Request{Header: Lines{"If-Modified-Since: {start}"}}, Origin: Answer{Status: 404, Header: Lines{"Last-Modified: {start-1h}"}}},
		},
	},
	{
		ID: "9110-13.2.1-client-has-what-is-new", Cite: "RFC 9110 §13.2.1, RFC 9111 §4.3.3",
		Title: "a client that has already what the origin sends in place of the stored response gets 304",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`}}},
			{
				Request: Request{Header: Lines{`If-None-Match: "2"`}},
				Origin:  Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "2"`}},
				Want:    Want{By: Validated, Status: 304, Header: Checks{Is("Etag", `"2"`)}},
			},
			{Want: Want{By: Stored, Of: 2, Status: 200, Header: Checks{Is("Etag", `"2"`)}}},
		},
	},
	{
		ID: "9110-15.4.5-no-metadata-of-the-representation", Cite: "RFC 9110 §15.4.5, RFC 9110 §8.6",
		Title: "a 304 shouldn't carry metadata of a representation that the client has: its type, coding and language, nor another length",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "Content-Encoding: gzip", "Content-Language: en"}}},
			{
				Request: Request{Header: Lines{`If-None-Match: "1"`}},
				Want:    Want{By: Stored, Status: 304, Header: Checks{No("Content-Type"), No("Content-Encoding"), No("Content-Language"), nothingBut("Content-Length", "10")}},
			},
		},
	},
}

// matching is a validator that a stored response has and a condition of a client's. It
// says 304 where they agree.
func matching(name, cite, stored, condition string, agree bool) Case {
	c := Case{
		ID: "9110-" + name, Cite: cite,
		Title: condition + " against " + stored,
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", stored}}},
			{Request: Request{Header: Lines{condition}}, Want: Want{By: Stored, Status: 200}},
		},
	}
	if agree {
		c.Steps[1].Want.Status = 304
	}
	return c
}

// nothingBut expects that a field is absent or has this one value.
func nothingBut(name, value string) Check {
	return Check{name, func(values []string, _ moment) (string, bool) {
		return "nothing or " + value, len(values) == 0 || joined(values) == value
	}}
}
