// SPDX-License-Identifier: MIT

package conformance

import "time"

// vary is RFC 9111 §4.1: which requests a response with Vary may be given to.
var vary = []Case{
	varies("equal", "X-A", Lines{"X-A: 1"}, Lines{"X-A: 1"}, true, "an equal value matches"),
	varies("another", "X-A", Lines{"X-A: 1"}, Lines{"X-A: 2"}, false, "another value doesn't match"),
	varies("absent", "X-A", Lines{"X-A: 1"}, nil, false, "absent doesn't match a value"),
	varies("value-after-absent", "X-A", nil, Lines{"X-A: 1"}, false, "a value doesn't match absent"),
	varies("both-absent", "X-A", nil, nil, true, "absent matches absent"),
	varies("prefix", "X-A", Lines{"X-A: 1"}, Lines{"X-A: 12"}, false, "the beginning of a value isn't the value"),
	varies("case-of-unknown", "X-A", Lines{"X-A: a"}, Lines{"X-A: A"}, false, "in a field of unknown syntax, case tells values apart"),
	varies("order-of-unknown", "X-A", Lines{"X-A: a, b"}, Lines{"X-A: b, a"}, false, "in a field of unknown syntax, so does order"),
	varies("blanks-inside", "X-A", Lines{"X-A: a b"}, Lines{"X-A: a  b"}, false, "blanks within a word aren't known to mean nothing"),
	varies("name-in-any-case", "x-a", Lines{"X-A: 1"}, Lines{"X-A: 2"}, false, "field names have no case, so x-a names X-A"),
	varies("lines-are-a-list", "X-A", Lines{"X-A: 1", "X-A: 2"}, Lines{"X-A: 1, 2"}, true, "several lines are one list"),
	varies("lines-in-order", "X-A", Lines{"X-A: 1", "X-A: 2"}, Lines{"X-A: 2", "X-A: 1"}, false, "and their order counts"),
	varies("a-line-less", "X-A", Lines{"X-A: 1", "X-A: 2"}, Lines{"X-A: 1"}, false, "all lines count, not just the first"),
	varies("two-fields-one-differs", "X-A, X-B", Lines{"X-A: 1", "X-B: 1"}, Lines{"X-A: 1", "X-B: 2"}, false, "all fields named must match"),
	varies("two-fields-swapped", "X-A, X-B", Lines{"X-A: 1", "X-B: 2"}, Lines{"X-A: 2", "X-B: 1"}, false, "a value belongs to its field"),
	varies("value-moved", "X-A, X-B", Lines{"X-A: 1"}, Lines{"X-B: 1"}, false, "the same value in the other field is no match"),
	varies("other-field", "X-A", Lines{"X-A: 1", "X-B: 1"}, Lines{"X-A: 1", "X-B: 2"}, true, "a field that isn't named doesn't matter"),
	varies("empty-members", ", ,X-A,", Lines{"X-A: 1"}, Lines{"X-A: 2"}, false, "empty members of Vary hide none of the others"),
	varies("accept-encoding-blanks", "Accept-Encoding", Lines{"Accept-Encoding: gzip, br"}, Lines{"Accept-Encoding: gzip,br"}, true, "blanks around the commas of Accept-Encoding mean nothing"),
	varies("accept-encoding-case", "Accept-Encoding", Lines{"Accept-Encoding: gzip"}, Lines{"Accept-Encoding: GZip"}, true, "codings have no case"),
	varies("accept-encoding-order", "Accept-Encoding", Lines{"Accept-Encoding: gzip, br"}, Lines{"Accept-Encoding: br, gzip"}, true, "codings of equal weight have no order"),
	varies("accept-encoding-weights", "Accept-Encoding", Lines{"Accept-Encoding: gzip;q=1, br;q=0.5"}, Lines{"Accept-Encoding: br;q=1, gzip;q=0.5"}, false, "weights tell requests apart"),
	varies("accept-encoding-forbidden", "Accept-Encoding", Lines{"Accept-Encoding: gzip"}, Lines{"Accept-Encoding: gzip;q=0"}, false, "what is accepted doesn't match what is refused"),
	varies("accept-encoding-other", "Accept-Encoding", Lines{"Accept-Encoding: gzip"}, Lines{"Accept-Encoding: gzip, br"}, false, "more codings aren't the same"),
	varies("accept-language-case", "Accept-Language", Lines{"Accept-Language: en-US"}, Lines{"Accept-Language: EN-us"}, true, "language ranges have no case"),
	varies("accept-language-blanks", "Accept-Language", Lines{"Accept-Language: en;q=0.5, de"}, Lines{"Accept-Language: en; q=0.5,de"}, true, "blanks around commas and weights mean nothing"),
	varies("accept-language-another", "Accept-Language", Lines{"Accept-Language: en"}, Lines{"Accept-Language: de"}, false, "another language doesn't match"),
	varies("cookie", "Cookie", Lines{"Cookie: a=1"}, Lines{"Cookie: a=2"}, false, "Cookie is a selecting field like others"),
	{
		ID: "9111-4.1-authorization", Cite: "RFC 9111 §4.1, RFC 9111 §3.5",
		Title: "Authorization selects like other fields where the response may be shared",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: says("Cache-Control: public, max-age=60", "Vary: Authorization")},
			{Request: asks("Authorization: Bearer b")},
			{},
			{Request: asks("Authorization: Bearer a"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.1-host", Cite: "RFC 9111 §4.1, RFC 9110 §7.2",
		Title: "Vary on Host changes nothing: the host is part of the target",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Vary: Host")},
			{Want: Want{By: Stored}},
			{Request: Request{Host: "www.example.com"}},
		},
	},
	{
		ID: "9111-4.1-blanks-by-profile", Cite: "RFC 9111 §4.1",
		Title: "blanks around commas in a field of unknown syntax: safe tells them apart, rfc takes the field for a list",
		Steps: []Step{
			{Request: asks("X-A: 1,2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 1, 2"), WantRFC: &Want{By: Stored, Of: 1}},
		},
	},
	neverMatches("star", "Vary: *"),
	neverMatches("star-first", "Vary: *, X-A"),
	neverMatches("star-last", "Vary: X-A, *"),
	neverMatches("star-without-blanks", "Vary: X-A,*,X-B"),
	neverMatches("star-on-another-line", "Vary: X-A", "Vary: *"),
	neverMatches("star-after-an-empty-line", "Vary: ,", "Vary: *"),
	{
		ID: "9111-4.1-several-lines-of-vary", Cite: "RFC 9111 §4.1, RFC 9110 §5.3",
		Title: "several lines of Vary are one list",
		Steps: []Step{
			{Request: asks("X-A: 1", "X-B: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A", "Vary: X-B")},
			{Request: asks("X-A: 1", "X-B: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A", "Vary: X-B")},
			{Request: asks("X-A: 1", "X-B: 1"), Want: Want{By: Stored, Of: 1, Header: Checks{Is("Vary", "X-A, X-B")}}},
			{Request: asks("X-A: 1", "X-B: 2"), Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9111-4.1-variants-stand-side-by-side", Cite: "RFC 9111 §4.1",
		Title: "each variant is stored by itself and given to its own requests",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A"), Want: Want{CacheStatus: "fwd=vary-miss"}},
			{Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 1"), Want: Want{By: Stored, Of: 1}},
			{Request: asks("X-A: 2"), Want: Want{By: Stored, Of: 2}},
			{Want: Want{By: Stored, Of: 3}},
		},
	},
	{
		ID: "9111-4.1-a-new-vary-counts", Cite: "RFC 9111 §4.1",
		Title: "when the resource begins to vary by another field, what is stored since tells requests apart by that",
		Steps: []Step{
			{Request: asks("X-A: 1", "X-B: 1"), Origin: says("Cache-Control: max-age=10", "Age: 10", "Vary: X-A")},
			{Request: asks("X-A: 1", "X-B: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-B")},
			{Request: asks("X-A: 1", "X-B: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-B")},
			{Request: asks("X-A: 2", "X-B: 1"), Want: Want{By: Stored, Of: 2}},
			{Request: asks("X-A: 2", "X-B: 2"), Want: Want{By: Stored, Of: 3}},
		},
	},
	{
		ID: "9111-4.1-vary-appears", Cite: "RFC 9111 §4.1",
		Title: "a response without Vary isn't kept for all once a newer one varies",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Date: {now-30s}", "Age: 30")},
			{Request: asks("X-A: 1", "Cache-Control: no-cache"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 1"), Want: Want{By: Stored, Of: 2}},
			{Request: asks("X-A: 2")},
		},
	},
	{
		ID: "9111-4.1-star-is-not-stored-for-later", Cite: "RFC 9111 §4.1",
		Title: "an answer with Vary: * doesn't displace the stored variant for those who match that",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=60", "Vary: *")},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
		},
	},
	{
		ID: "9111-4.1-validated-variant", Cite: "RFC 9111 §4.1, RFC 9111 §4.3.1",
		Title: "a stale variant is validated with its own validator, and the 304 freshens no other",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=1", "Vary: X-A", `Etag: "1"`)},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=1", "Vary: X-A", `Etag: "2"`), Pass: 1200 * time.Millisecond},
			{
				Request: asks("X-A: 2"), Origin: saysStatus(304, "Cache-Control: max-age=60", "Vary: X-A", `Etag: "2"`),
				Want: Want{By: Validated, Of: 2, Sees: Checks{Contains("If-None-Match", `"2"`)}},
			},
			{Request: asks("X-A: 2"), Want: Want{By: Stored, Of: 2}},
			{
				Request: asks("X-A: 1"), Origin: saysStatus(304, "Cache-Control: max-age=60", "Vary: X-A", `Etag: "1"`),
				Want: Want{By: Validated, Of: 1, Sees: Checks{Contains("If-None-Match", `"1"`)}},
			},
		},
	},
	{
		ID: "9111-4-most-recent-response", Cite: "RFC 9111 §4",
		Title: "of several suitable responses the most recent is used",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=600", "Vary: X-A", "Date: {now-60s}")},
			{Request: asks("X-A: 1", "Cache-Control: no-cache"), Origin: says("Cache-Control: max-age=600", "Vary: X-A", "Date: {now-30s}")},
			{Request: asks("X-A: 1"), Want: Want{By: Stored, Of: 2, Header: Checks{Between("Age", 30, 33)}}},
		},
	},
}

// varies is one response with Vary, the request that brought it, and another.
func varies(name, names string, first, second Lines, match bool, title string) Case {
	c := Case{
		ID: "9111-4.1-" + name, Cite: "RFC 9111 §4.1", Title: title,
		Steps: []Step{
			{Request: Request{Header: first}, Origin: says("Cache-Control: max-age=60", "Vary: "+names)},
			{Request: Request{Header: second}, Origin: says("Cache-Control: max-age=60", "Vary: "+names)},
		},
	}
	if match {
		c.Steps[1].Want = Want{By: Stored, Of: 1}
	}
	return c
}

// neverMatches is a Vary that no request matches, not even the same once more.
func neverMatches(name string, lines ...string) Case {
	return Case{
		ID: "9111-4.1-" + name, Cite: "RFC 9111 §4.1, RFC 9110 §12.5.5",
		Title: "a Vary with the member * never matches, wherever it stands",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: Answer{Header: append(Lines{"Cache-Control: max-age=60"}, lines...)}},
			{Request: asks("X-A: 1")},
		},
	}
}
