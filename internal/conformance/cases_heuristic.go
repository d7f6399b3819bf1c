// SPDX-License-Identifier: MIT

package conformance

import "time"

// heuristic is RFC 9111 §4.2.2: lifetimes that the origin didn't give.
var heuristic = []Case{
	guessed("200", 200, true), guessed("203", 203, true), guessed("301", 301, true), guessed("308", 308, true),
	guessed("404", 404, true), guessed("410", 410, true), guessed("414", 414, true), guessed("501", 501, true),
	guessed("201", 201, false), guessed("302", 302, false), guessed("307", 307, false), guessed("400", 400, false),
	guessed("403", 403, false), guessed("500", 500, false), guessed("599", 599, false),
	{
		ID: "9111-4.2.2-public-makes-it-cacheable", Cite: "RFC 9111 §4.2.2, RFC 9111 §5.2.2.9",
		Title: "public makes a response of any status heuristically cacheable",
		Steps: []Step{
			{Origin: saysStatus(202, "Cache-Control: public", "Last-Modified: {start-1000h}")},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4.2.2-no-date-to-reckon-from", Cite: "RFC 9111 §4.2.2",
		Title: "without Last-Modified there is nothing to tell a lifetime from",
		Steps: []Step{
			{Origin: says(`Etag: "1"`)},
			{Origin: saysStatus(304, `Etag: "1"`), Want: Want{By: Anyone, Calls: "1", Status: 200}},
		},
	},
	notGuessed("max-age", "Cache-Control: max-age=10", "Age: 10"),
	notGuessed("bad-max-age", "Cache-Control: max-age=x"),
	notGuessed("expires", "Expires: {now-1s}"),
	notGuessed("bad-expires", "Expires: 0"),
	notGuessed("no-cache", "Cache-Control: no-cache"),
	notGuessed("s-maxage", "Cache-Control: s-maxage=0"),
	{
		ID: "9111-4.2.2-ends", Cite: "RFC 9111 §4.2.2",
		Title: "a heuristic lifetime is a fraction of the time since Last-Modified, and ends",
		Steps: []Step{
			{Origin: says("Last-Modified: {start-1000s}"), Pass: 50 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Age", "50")}}, Pass: 951 * time.Second},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 3}},
		},
	},
	{
		ID: "9111-4.2.2-modified-just-now", Cite: "RFC 9111 §4.2.2",
		Title: "a Last-Modified that isn't before Date gives no lifetime",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Date: {start}", "Last-Modified: {start}")},
			{Request: asksBy("GET", "/a"), Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 2}},
			{Request: asksBy("GET", "/b"), Origin: says("Date: {start}", "Last-Modified: {start+24h}")},
			{Request: asksBy("GET", "/b"), Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 4}},
		},
	},
	{
		ID: "9111-4.2.2-query", Cite: "RFC 9111 §4.2.2",
		Title: "a query doesn't forbid a heuristic lifetime",
		Steps: []Step{
			{Request: asksBy("GET", "/?a=1"), Origin: says("Last-Modified: {start-1000h}")},
			{Request: asksBy("GET", "/?a=1"), Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4.2.2-credentials", Cite: "RFC 9111 §4.2.2, RFC 9111 §3.5",
		Title: "public lets rfc share a guess among users; safe gives users no lifetime that isn't the origin's own",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: says("Cache-Control: public", "Last-Modified: {start-1000h}")},
			{Request: asks("Authorization: Bearer b"), Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 2}, WantRFC: &Want{By: Stored, Of: 1}},
		},
	},
}

// guessed is a status with nothing but Last-Modified.
func guessed(name string, status int, cacheable bool) Case {
	c := Case{
		ID: "9111-4.2.2-status-" + name, Cite: "RFC 9111 §4.2.2, RFC 9110 §15.1",
		Title: "the status " + name + " isn't heuristically cacheable, so it has no lifetime but an explicit one",
		Steps: []Step{{Origin: saysStatus(status, "Last-Modified: {start-1000h}")}, {}},
	}
	if cacheable {
		c.Title = "the status " + name + " is heuristically cacheable"
		c.Steps[1].Want = Want{By: Stored, Status: status}
	}
	return c
}

// notGuessed is explicit freshness that leaves no room for a guess.
func notGuessed(name string, lines ...string) Case {
	return Case{
		ID: "9111-4.2.2-not-beside-" + name, Cite: "RFC 9111 §4.2.2",
		Title: "no guess stands in for what the origin said itself, nor for its attempt",
		Steps: []Step{
			{Origin: Answer{Header: append(Lines{"Last-Modified: {start-1000h}"}, lines...)}},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 2}},
		},
	}
}
