// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"strings"
	"time"
)

// ranges is RFC 9110 §14: parts of a stored response. Every request for a range may be
// answered with the whole; where it is answered with a part, it is the right one.
var ranges = []Case{
	oneRange("9110-14.1.2-open-end", "RFC 9110 §14.1.2", "bytes=4-", "4-9", "456789"),
	oneRange("9110-14.1.2-last-position-is-clamped", "RFC 9110 §14.1.2", "bytes=8-100", "8-9", "89"),
	oneRange("9110-14.1.2-last-position-beyond-all-integers", "RFC 9110 §14.1.2", "bytes=8-99999999999999999999", "8-9", "89"),
	oneRange("9110-14.1.2-one-byte", "RFC 9110 §14.1.2", "bytes=9-9", "9-9", "9"),
	oneRange("9110-14.1.2-suffix-longer-than-the-body", "RFC 9110 §14.1.2", "bytes=-100", "0-9", digits),
	oneRange("9110-14.1-unit-in-any-case", "RFC 9110 §14.1", "Bytes=2-3", "2-3", "23"),
	oneRange("9110-5.6.1-empty-members-of-a-set", "RFC 9110 §5.6.1, RFC 9110 §14.1.1", "bytes=, 2-3 ,", "2-3", "23"),
	unsatisfiable("suffix-of-nothing", "bytes=-0"),
	unsatisfiable("first-position-is-the-length", "bytes=10-12"),
	unsatisfiable("first-position-beyond-all-integers", "bytes=99999999999999999999-"),
	unsatisfiable("none-of-several", "bytes=10-11,20-"),
	noRange("9110-14.1.1-last-before-first", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes=4-2"),
	noRange("9110-14.1.1-no-positions", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes=-"),
	noRange("9110-14.1.1-no-set", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes="),
	noRange("9110-14.1.1-letters", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes=a-b"),
	noRange("9110-14.1.1-signs", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes=+2-+4"),
	noRange("9110-14.1.1-one-bad-member-spoils-the-set", "RFC 9110 §14.1.1, RFC 9110 §14.2", "Range: bytes=0-1,5-4"),
	noRange("9110-14.2-no-unit", "RFC 9110 §14.2", "Range: 2-4"),
	noRange("9110-14.2-unknown-unit", "RFC 9110 §14.2", "Range: lines=2-4"),
	noRange("9110-14.2-many-overlapping", "RFC 9110 §14.2, RFC 9110 §17.15", "Range: bytes=0-"+strings.Repeat(",0-", 50)),
	noRange("9110-13.1.5-if-range-without-range", "RFC 9110 §13.1.5", `If-Range: "1"`),
	{
		ID: "9110-14.2-two-lines-are-no-range", Cite: "RFC 9110 §14.2, RFC 9110 §5.3",
		Title: "Range is no list: two lines of it are no valid value, and are ignored",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: bytes=0-1", "Range: bytes=4-5"}}, Want: Want{By: Stored, Status: 200}},
		},
	},
	{
		ID: "9110-14.2-only-for-get", Cite: "RFC 9110 §14.2, RFC 9110 §9.3.2",
		Title: "Range is ignored where the method isn't GET: HEAD tells of the whole",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Method: "HEAD", Header: Lines{"Range: bytes=2-4"}}, Want: Want{By: Stored, Status: 200, Header: Checks{Is("Content-Length", "10"), No("Content-Range")}}},
			{Request: Request{Method: "HEAD", Header: Lines{"Range: bytes=10-"}}, Want: Want{By: Stored, Status: 200, Header: Checks{No("Content-Range")}}},
		},
	},
	{
		ID: "9110-14.2-only-where-the-whole-would-be-200", Cite: "RFC 9110 §14.2",
		Title: "a stored response that isn't 200 is given whole, whatever Range says",
		Steps: []Step{
			{Origin: Answer{Status: 404, Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: bytes=2-4"}}, Want: Want{By: Stored, Status: 404, Header: Checks{No("Content-Range")}}},
			{Request: Request{Header: Lines{"Range: bytes=10-"}}, Want: Want{By: Stored, Status: 404, Header: Checks{No("Content-Range")}}},
		},
	},
	{
		ID: "9110-14.1.2-positions-are-of-the-coded-bytes", Cite: "RFC 9110 §14.1.2, RFC 9110 §8.4",
		Title: "of a stored response with a content coding, the range is one of the coded bytes, and says so",
		Steps: []Step{
			{
				Request: Request{Header: Lines{"Accept-Encoding: gzip"}},
				Origin:  Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", "Content-Encoding: gzip", "Vary: Accept-Encoding", `Etag: "z"`}},
			},
			{
				Request: Request{Header: Lines{"Accept-Encoding: gzip", "Range: bytes=2-4"}},
				Want:    Want{By: Stored, Status: 206, Body: "234", Header: Checks{Is("Content-Range", "bytes 2-4/10"), Is("Content-Encoding", "gzip"), Is("Vary", "Accept-Encoding")}},
			},
		},
	},
	{
		ID: "9110-14.2-range-of-the-selected-variant", Cite: "RFC 9110 §14.2, RFC 9110 §12.5.5",
		Title: "a range is one of the representation that the request selects",
		Steps: []Step{
			{Request: Request{Header: Lines{"Accept-Language: en"}}, Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", "Vary: Accept-Language"}}},
			{Request: Request{Header: Lines{"Accept-Language: de"}}, Origin: Answer{Body: "abcdefgh", Header: Lines{"Cache-Control: max-age=60", "Vary: Accept-Language"}}},
			{
				Request: Request{Header: Lines{"Accept-Language: en", "Range: bytes=-2"}},
				Want:    Want{By: Stored, Status: 206, Body: "89", Header: Checks{Is("Content-Range", "bytes 8-9/10")}},
			},
			{
				Request: Request{Header: Lines{"Accept-Language: de", "Range: bytes=-2"}},
				Want:    Want{By: Stored, Status: 206, Body: "gh", Header: Checks{Is("Content-Range", "bytes 6-7/8")}},
			},
		},
	},
	{
		ID: "9110-14.1.2-suffix-of-an-empty-body", Cite: "RFC 9110 §14.1.2, RFC 9110 §14.4",
		Title: "no Content-Range can tell of a part of an empty body: a suffix of it is the whole",
		Steps: []Step{
			{Origin: Answer{Empty: true, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: bytes=-5"}}, Want: Want{By: Stored, Status: 200, Empty: true, Header: Checks{No("Content-Range")}}},
		},
	},
	{
		ID: "9110-14.6-several-ranges", Cite: "RFC 9110 §14.6, RFC 9110 §15.3.7.2",
		Title: "several ranges come as multipart/byteranges, each with its Content-Range, in the order that was asked for",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{
				Request: Request{Header: Lines{"Range: bytes=7-8,0-1,-1"}},
				Want:    Want{By: Stored, Status: 206, Parts: []string{"7-8/10 78", "0-1/10 01", "9-9/10 9"}, Header: Checks{Is("Etag", `"1"`)}},
			},
			{
				Request: Request{Header: Lines{"Range: bytes=20-30,4-5,1-2"}},
				Want:    Want{By: Stored, Status: 206, Parts: []string{"4-5/10 45", "1-2/10 12"}},
			},
		},
	},
	{
		ID: "9110-14.6-boundary-is-not-in-the-body", Cite: "RFC 9110 §14.6",
		Title: "parts are told apart whatever is in them, and the bytes are unchanged",
		Steps: []Step{
			{Origin: Answer{Body: "\r\n--a--\r\n\r\n--", Header: Lines{"Cache-Control: max-age=60", "Content-Type: text/x"}}},
			{
				Request: Request{Header: Lines{"Range: bytes=0-8,9-12"}},
				Want:    Want{By: Stored, Status: 206, Parts: []string{"0-8/13 \r\n--a--\r\n", "9-12/13 \r\n--"}},
			},
		},
	},
	{
		ID: "9110-15.3.7.2-one-range-is-no-multipart", Cite: "RFC 9110 §15.3.7.2",
		Title: "a request for one range is never answered in parts, nor where of several only one can be satisfied",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{
				Request: Request{Header: Lines{"Range: bytes=2-3,20-30"}},
				Want:    Want{By: Stored, Status: 206, Body: "23", Header: Checks{Is("Content-Range", "bytes 2-3/10"), Is("Content-Type", "text/plain")}},
			},
		},
	},
	{
		ID: "9110-15.3.7-fields-of-a-part", Cite: "RFC 9110 §15.3.7, RFC 9110 §15.3.7.1",
		Title: "a part carries what the whole would: Date, Cache-Control, ETag, Expires, Content-Location, Vary",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{
				"Cache-Control: max-age=60", "Expires: {start+1m}", `Etag: "1"`, "Content-Location: /en", "Vary: X-A", "Date: {now-5s}", "Last-Modified: {start-1h}",
			}}},
			{
				Request: Request{Header: Lines{"Range: bytes=2-4"}},
				Want: Want{By: Stored, Status: 206, Body: "234", Header: Checks{
					Is("Cache-Control", "max-age=60"), Is("Expires", "{start+1m}"), Is("Etag", `"1"`), Is("Content-Location", "/en"), Is("Vary", "X-A"), SameAs("Date", 1),
					Is("Content-Length", "3"), Is("Content-Type", "text/plain"), Between("Age", 5, 8),
				}},
			},
		},
	},
	{
		ID: "9110-15.5.17-leaves-the-stored-response", Cite: "RFC 9110 §15.5.17",
		Title: "a 416 made from a stored response isn't given to the next request, nor does it replace anything",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: bytes=50-60"}}, Want: Want{By: Stored, Status: 416, Empty: true}},
			{Want: Want{By: Stored, Status: 200, Header: Checks{No("Content-Range"), Is("Content-Length", "10")}}},
		},
	},
	ifRange("strong-tag", `Etag: "1"`, `If-Range: "1"`, true),
	ifRange("other-tag", `Etag: "1"`, `If-Range: "2"`, false),
	ifRange("weak-tags-never-agree", `Etag: W/"1"`, `If-Range: W/"1"`, false),
	ifRange("weak-against-strong", `Etag: "1"`, `If-Range: W/"1"`, false),
	ifRange("several-tags-are-none", `Etag: "1"`, `If-Range: "0", "1"`, false),
	ifRange("the-very-date", "Last-Modified: {start-1h}", "If-Range: {start-1h}", true),
	ifRange("a-later-date", "Last-Modified: {start-1h}", "If-Range: {start-59m}", false),
	ifRange("an-earlier-date", "Last-Modified: {start-1h}", "If-Range: {start-61m}", false),
	ifRange("a-weak-date", "Last-Modified: {start}", "If-Range: {start}", false),
	ifRange("no-validator-stored", "X-A: 1", `If-Range: "1"`, false),
	{
		ID: "9110-13.2.2-if-none-match-before-range", Cite: "RFC 9110 §13.2.2, RFC 9110 §14.2",
		Title: "a condition comes before Range: 304 if it says so, else the range",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Request: Request{Header: Lines{"Range: bytes=2-4", `If-None-Match: "1"`}}, Want: Want{By: Stored, Status: 304, Header: Checks{No("Content-Range")}}},
			{Request: Request{Header: Lines{"Range: bytes=20-", `If-None-Match: "1"`}}, Want: Want{By: Stored, Status: 304, Header: Checks{No("Content-Range")}}},
			{Request: Request{Header: Lines{"Range: bytes=2-4", `If-None-Match: "2"`}}, Want: Want{By: Stored, Status: 206, Body: "234"}},
		},
	},
	{
		ID: "9110-14.2-range-after-a-validation", Cite: "RFC 9110 §14.2, RFC 9111 §4.3.4",
		Title: "what a 304 has freshened is whole: a request for a range of it gets the range",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`}}},
			{
				Request: Request{Header: Lines{"Range: bytes=2-4"}},
				Origin:  Answer{Status: 304, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}},
				Want:    Want{By: Validated, Status: 206, Body: "234", Header: Checks{Is("Content-Range", "bytes 2-4/10"), Is("Etag", `"1"`)}},
			},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9110-14.2-range-of-what-changed", Cite: "RFC 9110 §14.2, RFC 9111 §4.3.3",
		Title: "where the response has changed, the range is one of the new bytes, never of the old",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`}}},
			{
				Request: Request{Header: Lines{"Range: bytes=2-4"}},
				Origin:  content("abcdefghij", `"2"`, "max-age=60"),
				Want:    Want{By: Validated, Status: 206, Body: "cde", Header: Checks{Is("Content-Range", "bytes 2-4/10"), Is("Etag", `"2"`)}},
			},
			{Origin: content("abcdefghij", `"2"`, "max-age=60"), Want: Want{By: Anyone, Status: 200, Body: "abcdefghij"}},
		},
	},
}

// oneRange is a range of a stored response of ten bytes, and what comes of it.
func oneRange(id, cite, asked, given, body string) Case {
	return Case{
		ID: id, Cite: cite,
		Title: "Range: " + asked + " of ten bytes is " + given,
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: " + asked}}, Want: Want{By: Stored, Status: 206, Body: body, Header: Checks{Is("Content-Range", "bytes "+given+"/10")}}},
		},
	}
}

// unsatisfiable is a range that a stored response of ten bytes has nothing of.
func unsatisfiable(name, asked string) Case {
	return Case{
		ID: "9110-15.5.17-" + name, Cite: "RFC 9110 §15.5.17, RFC 9110 §14.1.2",
		Title: "Range: " + asked + " of ten bytes is 416, with the length",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Range: " + asked}}, Want: Want{By: Stored, Status: 416, Empty: true, Header: Checks{Is("Content-Range", "bytes */10")}}},
		},
	}
}

// noRange is a request field that asks for no part that could be given. It might be
// rejected too; that it is ignored is what clients live with best.
func noRange(id, cite, line string) Case {
	return Case{
		ID: id, Cite: cite,
		Title: line[:min(len(line), 40)] + " is ignored",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Request: Request{Header: Lines{line}}, Want: Want{By: Stored, Status: 200, Header: Checks{No("Content-Range"), Is("Content-Length", "10")}}},
		},
	}
}

// ifRange is a validator that a stored response has, and one that a request for a range has.
func ifRange(name, stored, condition string, applies bool) Case {
	c := Case{
		ID: "9110-13.1.5-if-range-" + name, Cite: "RFC 9110 §13.1.5, RFC 9110 §8.8.2.2, RFC 9110 §8.8.3.2",
		Title: condition + " lets Range be ignored unless it is the strong validator of what is stored, here " + stored,
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", "Date: {start}", stored}}},
			{Request: Request{Header: Lines{"Range: bytes=2-4", condition}}, Want: Want{By: Stored, Status: 200, Header: Checks{No("Content-Range")}}},
		},
	}
	if applies {
		c.Steps[1].Want = Want{By: Stored, Status: 206, Body: "234"}
	}
	return c
}

// content is an origin that evaluates Range and conditions.
func content(body, etag, control string) Answer {
	return Answer{Serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", control)
		w.Header().Set("Etag", etag)
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(body))
	}}
}
