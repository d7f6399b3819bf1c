// SPDX-License-Identifier: MIT

package conformance

import "time"

// whileRevalidate is RFC 5861 §3: the stale response at once, the new one behind it.
var whileRevalidate = []Case{
	{
		ID: "5861-3-not-while-fresh", Cite: "RFC 5861 §3",
		Title: "the window begins when the response has become stale: a fresh one isn't revalidated",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, stale-while-revalidate=60", "Age: 50", `Etag: "1"`)},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "5861-3-end-of-the-window", Cite: "RFC 5861 §3",
		Title: "when the window is over, the stale response isn't given before it is validated",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=50", "Age: 61", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Validated, Status: 200, CacheStatus: "fwd=stale"}},
		},
	},
	{
		ID: "5861-3-just-inside-the-window", Cite: "RFC 5861 §3",
		Title: "the window is counted from the end of the lifetime, not from the response",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=50", `Etag: "1"`), Pass: 59 * time.Second},
			{Origin: saysStatus(304, "Cache-Control: max-age=10, stale-while-revalidate=50", `Etag: "1"`), Want: Want{By: Stale, Calls: "1", Header: Checks{Is("Age", "59")}, CacheStatus: "ttl=-49"}},
		},
	},
	{
		ID: "5861-3-one-revalidation-for-all", Cite: "RFC 5861 §3",
		Title: "many requests of the window are all answered at once, and the origin is asked one time for them",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{
				Also:   []Other{{Request: Request{Times: 6}, Want: Want{By: Stale}}},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 700 * time.Millisecond},
				Want:   Want{By: Stale, Calls: "1"},
			},
			{Want: Want{By: Stale, Of: 1, Calls: "0"}, Pass: 1200 * time.Millisecond},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "5861-3-revalidation-that-says-304", Cite: "RFC 5861 §3, RFC 9111 §4.3.4",
		Title: "a 304 behind the answer freshens what is stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`, "X-A: old")},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "X-A: new"), Want: Want{By: Stale, Calls: "1", Status: 200, Header: Checks{Is("X-A", "old")}}},
			{Want: Want{By: Stored, Of: 1, Status: 200, Header: Checks{Is("X-A", "new"), Between("Age", 0, 2)}}},
		},
	},
	{
		ID: "5861-3-revalidation-that-fails", Cite: "RFC 5861 §3",
		Title: "an error behind the answer reaches no client, and leaves the stored response for the rest of the window",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(503, "Cache-Control: max-age=60"), Want: Want{By: Stale, Calls: "1", Status: 200}},
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Stale, Of: 1, Status: 200}},
		},
	},
	{
		ID: "5861-3-failed-revalidation-is-repeated", Cite: "RFC 5861 §3",
		Title: "an error behind the answer doesn't end the revalidations: when the origin is back, so is the new response",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(500), Want: Want{By: Stale, Calls: "1", Status: 200}, Pass: 45 * time.Second},
			{Origin: says("Cache-Control: max-age=60", `Etag: "2"`), Want: Want{By: Stale, Of: 1, Calls: "1", Status: 200, Sees: Checks{Is("If-None-Match", `"1"`)}}},
			{Want: Want{By: Stored, Of: 3}},
		},
	},
	{
		ID: "5861-3-new-response-that-is-not-stored", Cite: "RFC 5861 §3, RFC 9111 §5.2.2.5",
		Title: "when the origin says no-store behind the answer, the new response is given to nobody",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20")},
			{Origin: says("Cache-Control: no-store", "X-A: mine"), Want: Want{By: Stale, Calls: "1", Header: Checks{No("X-A")}}},
			{Origin: says("Cache-Control: no-store"), Want: Want{By: Anyone, Status: 200, Header: Checks{No("X-A")}}},
		},
	},
	noWindow("must-revalidate", "RFC 5861 §3, RFC 9111 §5.2.2.2", "max-age=10, stale-while-revalidate=600, must-revalidate"),
	noWindow("proxy-revalidate", "RFC 5861 §3, RFC 9111 §5.2.2.8", "max-age=10, stale-while-revalidate=600, proxy-revalidate"),
	noWindow("no-cache", "RFC 5861 §3, RFC 9111 §5.2.2.4", "max-age=10, stale-while-revalidate=600, no-cache"),
	noWindow("a-window-of-zero", "RFC 5861 §3", "max-age=10, stale-while-revalidate=0"),
	noWindow("a-window-without-a-number", "RFC 5861 §3, RFC 9111 §4.2.1", "max-age=10, stale-while-revalidate"),
	noWindow("a-window-that-is-no-number", "RFC 5861 §3, RFC 9111 §4.2.1", "max-age=10, stale-while-revalidate=abc"),
	noWindow("a-negative-window", "RFC 5861 §3, RFC 9111 §1.2.2", "max-age=10, stale-while-revalidate=-600"),
	{
		ID: "5861-3-beside-s-maxage", Cite: "RFC 5861 §3, RFC 9111 §5.2.2.10",
		Title: "s-maxage has the meaning of proxy-revalidate: no window in the profile rfc; in safe the explicit one counts",
		Steps: []Step{
			{Origin: says("Cache-Control: s-maxage=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{
				Origin:  saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want:    Want{By: Stale, Calls: "1", Status: 200},
				WantRFC: &Want{By: Validated, Status: 200},
			},
		},
	},
	clientInsists("no-cache", "RFC 5861 §3, RFC 9111 §5.2.1.4", "no-cache"),
	clientInsists("max-age", "RFC 5861 §3, RFC 9111 §5.2.1.1", "max-age=5"),
	clientInsists("min-fresh", "RFC 5861 §3, RFC 9111 §5.2.1.3", "min-fresh=5"),
	{
		ID: "5861-3-of-the-requested-variant", Cite: "RFC 5861 §3, RFC 9111 §4.1",
		Title: "the request behind the answer is for the same representation",
		Steps: []Step{
			{Request: asks("Accept-Language: en"), Origin: says("Cache-Control: max-age=1, stale-while-revalidate=600", "Vary: Accept-Language", `Etag: "en"`)},
			{Request: asks("Accept-Language: de"), Origin: says("Cache-Control: max-age=1, stale-while-revalidate=600", "Vary: Accept-Language", `Etag: "de"`), Pass: 1200 * time.Millisecond},
			{
				Request: asks("Accept-Language: en"),
				Origin:  says("Cache-Control: max-age=60", "Vary: Accept-Language"),
				Want:    Want{By: Stale, Of: 1, Calls: "1", Sees: Checks{Is("Accept-Language", "en"), Contains("If-None-Match", `"en"`)}},
			},
			{Request: asks("Accept-Language: en"), Want: Want{By: Stored, Of: 3}},
			{Request: asks("Accept-Language: de"), Origin: says("Cache-Control: max-age=60", "Vary: Accept-Language"), Want: Want{By: Stale, Of: 2, Calls: "1"}},
		},
	},
	{
		ID: "5861-3-the-whole-is-fetched-behind-a-range", Cite: "RFC 5861 §3, RFC 9110 §14.2",
		Title: "a range of the window comes from the stale response, and what is new can be asked for whole",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`}}},
			{
				Request: asks("Range: bytes=2-4"), Origin: content("abcdefghij", `"2"`, "max-age=60"),
				Want: Want{By: Stale, Calls: "1", Status: 206, Body: "234", Header: Checks{Is("Etag", `"1"`)}},
			},
			{Origin: content("abcdefghij", `"2"`, "max-age=60"), Want: Want{By: Anyone, Status: 200, Body: "abcdefghij"}},
		},
	},
	{
		ID: "5861-3-client-s-condition-in-the-window", Cite: "RFC 5861 §3, RFC 9110 §13.2.1",
		Title: "a condition of the window is answered from the stale response, and isn't taken along to the origin",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{
				Request: asks(`If-None-Match: "1"`), Origin: says("Cache-Control: max-age=60", `Etag: "2"`),
				Want: Want{By: Stale, Calls: "1", Status: 304, Header: Checks{Is("Etag", `"1"`)}},
			},
			{Want: Want{By: Stored, Of: 2, Status: 200}},
		},
	},
}

// noWindow is a Cache-Control that leaves no window: the answer waits for the origin.
func noWindow(name, cite, control string) Case {
	return Case{
		ID: "5861-3-no-window-with-" + name, Cite: cite,
		Title: control + " lets no stale response be given unvalidated",
		Steps: []Step{
			{Origin: says("Cache-Control: "+control, "Age: 20", `Etag: "1"`)},
			{Origin: says("Cache-Control: max-age=60", `Etag: "2"`), Want: Want{By: Validated, Header: Checks{Is("Etag", `"2"`)}}},
		},
	}
}

// clientInsists is a directive of a request that a stale response isn't enough for.
func clientInsists(name, cite, directive string) Case {
	return Case{
		ID: "5861-3-client-insists-with-" + name, Cite: cite,
		Title: "the window is no answer to a request with " + directive,
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: " + directive), Origin: says("Cache-Control: max-age=60", `Etag: "2"`), Want: Want{By: Validated, Header: Checks{Is("Etag", `"2"`)}}},
			{Want: Want{By: Stored, Of: 2}},
		},
	}
}

// ifError is RFC 5861 §4: the stale response in place of an error.
var ifError = []Case{
	standsIn("500", saysStatus(500, "Cache-Control: max-age=60", "X-A: error")),
	standsIn("502", saysStatus(502)),
	standsIn("504", saysStatus(504)),
	standsIn("unreachable", Answer{Fail: Unreachable}),
	standsIn("reset", Answer{Fail: Closes}),
	standsIn("timeout", Answer{Fail: TimesOut}),
	standsIn("panic", Answer{Fail: Panics}),
	{
		ID: "5861-4-no-answer-at-all", Cite: "RFC 5861 §4, RFC 9110 §15.6.5",
		Title: "an origin that never answers is an error as well: the client needn't wait for ever",
		Not:   OnlyDirect("it takes as long as the cache is patient"),
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=6000", "Age: 20")},
			{Origin: Answer{Fail: Hangs}, Want: Want{By: Stale, Calls: "1", Status: 200}},
			{Origin: Answer{Fail: Deaf}, Want: Want{By: Stale, Of: 1, Status: 200}},
		},
	},
	{
		ID: "5861-4-body-that-breaks-off", Cite: "RFC 5861 §4, RFC 9111 §3.3",
		Title: "nor does the client get half of a body where a stale response could stand in",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=6000", "Age: 20", "X-A: whole")},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Fail: Aborts, After: 9}, Want: Want{By: Stale, Calls: "1", Header: Checks{Is("X-A", "whole")}}},
		},
	},
	{
		ID: "5861-4-less-than-declared", Cite: "RFC 5861 §4, RFC 9112 §8",
		Title: "the same where the body is shorter than its Content-Length",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=6000", "Age: 20", "X-A: whole")},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Fail: Short, After: 1}, Want: Want{By: Stale, Calls: "1", Header: Checks{Is("X-A", "whole")}}},
		},
	},
	noError("404", 404), noError("403", 403), noError("400", 400), noError("501", 501), noError("505", 505),
	{
		ID: "5861-4-end-of-the-window", Cite: "RFC 5861 §4",
		Title: "when the window is over, the error is passed on",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=50", "Age: 61", `Etag: "1"`)},
			{Origin: saysStatus(503, "X-A: error"), Want: Want{By: Validated, Status: 503, Header: Checks{Is("X-A", "error")}}},
		},
	},
	{
		ID: "5861-4-just-inside-the-window", Cite: "RFC 5861 §4",
		Title: "the window is counted from the end of the lifetime",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=100, stale-if-error=50"), Pass: 149 * time.Second},
			{Origin: saysStatus(503), Want: Want{By: Stale, Calls: "1", Status: 200, Header: Checks{Is("Age", "149")}, CacheStatus: "ttl=-49"}},
		},
	},
	{
		ID: "5861-4-no-window-no-stale-response", Cite: "RFC 5861 §4, RFC 9111 §4.2.4",
		Title: "where nobody allowed it, no stale response stands in for a status: the origin could be reached",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(503), Want: Want{By: Validated, Status: 503}},
		},
	},
	{
		ID: "5861-4-request-directive", Cite: "RFC 5861 §4",
		Title: "a client may allow it as well, for as long as it says",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: stale-if-error=5"), Origin: saysStatus(503), Want: Want{By: Validated, Status: 503}, Pass: time.Second},
			{Request: asks("Cache-Control: stale-if-error=600"), Origin: saysStatus(503), Want: Want{By: Stale, Of: 1, Status: 200}},
		},
	},
	{
		ID: "5861-4-request-directive-is-the-client-s-own", Cite: "RFC 5861 §4",
		Title: "what one client allows isn't allowed by others",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: stale-if-error=600"), Origin: saysStatus(503), Want: Want{By: Stale, Calls: "1", Of: 1, Status: 200}},
			{Origin: saysStatus(503), Want: Want{By: Anyone, Status: 503}},
		},
	},
	stillAnError("proxy-revalidate", "RFC 5861 §4, RFC 9111 §5.2.2.8", "max-age=10, stale-if-error=600, proxy-revalidate"),
	stillAnError("no-cache", "RFC 5861 §4, RFC 9111 §5.2.2.4", "max-age=10, stale-if-error=600, no-cache"),
	stillAnError("a-window-of-zero", "RFC 5861 §4", "max-age=10, stale-if-error=0"),
	stillAnError("only-stale-while-revalidate", "RFC 5861 §4, RFC 5861 §3", "max-age=10, stale-while-revalidate=5"),
	{
		ID: "5861-4-never-reused-but-on-errors", Cite: "RFC 5861 §4",
		Title: "max-age=0 beside stale-if-error: always validated, and there when the origin isn't",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=0, stale-if-error=600", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=0, stale-if-error=600", `Etag: "1"`), Want: Want{By: Validated, Of: 1, Status: 200}},
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Stale, Of: 1, Calls: "1", Status: 200}},
		},
	},
	{
		ID: "5861-4-what-stood-in-is-still-stored", Cite: "RFC 5861 §4",
		Title: "an error that was answered for replaces nothing: later the stored response is validated again, with its own tag",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=600", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(500, "Cache-Control: max-age=60", `Etag: "error"`), Want: Want{By: Stale, Calls: "1", Status: 200}, Pass: 45 * time.Second},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Validated, Of: 1, Status: 200, Sees: Checks{Is("If-None-Match", `"1"`)}}},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("Etag", `"1"`), Is("Age", "0")}}},
		},
	},
	{
		ID: "5861-4-range-condition-and-head", Cite: "RFC 5861 §4, RFC 9110 §13.2.1, RFC 9110 §14.2",
		Title: "what stands in answers conditions, ranges and HEAD like any stored response",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10, stale-if-error=600", "Age: 20", `Etag: "1"`}}},
			{Request: asks(`If-None-Match: "1"`), Origin: Answer{Fail: Closes}, Want: Want{By: Stale, Status: 304}},
			{Request: asks("Range: bytes=-2"), Origin: Answer{Fail: Closes}, Want: Want{By: Stale, Status: 206, Body: "89"}},
			{Request: Request{Method: "HEAD"}, Origin: Answer{Fail: Closes}, Want: Want{By: Stale, Status: 200, Header: Checks{Is("Content-Length", "10")}}},
		},
	},
	{
		ID: "5861-4-only-what-is-stored-for-the-request", Cite: "RFC 5861 §4, RFC 9111 §4.1",
		Title: "another representation doesn't stand in",
		Steps: []Step{
			{Request: asks("Accept-Language: en"), Origin: says("Cache-Control: max-age=10, stale-if-error=600", "Vary: Accept-Language", "Age: 20")},
			{Request: asks("Accept-Language: de"), Origin: saysStatus(503, "X-A: error"), Want: Want{Status: 503, Header: Checks{Is("X-A", "error")}}},
		},
	},
	{
		ID: "9110-10.2.3-retry-after-passes", Cite: "RFC 9110 §10.2.3, RFC 9110 §15.6.4",
		Title: "Retry-After reaches the client, as seconds or as a date",
		Steps: []Step{
			{Origin: saysStatus(503, "Retry-After: 120"), Want: Want{Status: 503, Header: Checks{Is("Retry-After", "120")}}},
			{Request: asksBy("GET", "/b"), Origin: saysStatus(503, "Retry-After: {start+2m}"), Want: Want{Status: 503, Header: Checks{Is("Retry-After", "{start+2m}")}}},
		},
	},
	{
		ID: "9110-10.2.3-retry-after-is-no-lifetime", Cite: "RFC 9110 §10.2.3, RFC 9111 §3",
		Title: "Retry-After alone doesn't make a 503 one that may be reused",
		Steps: []Step{
			{Origin: saysStatus(503, "Retry-After: 120")},
			{},
		},
	},
	{
		ID: "9110-10.2.3-not-on-what-stands-in", Cite: "RFC 9110 §10.2.3, RFC 5861 §4",
		Title: "the Retry-After of an error isn't on the response that stands in for it; the cache waits that long itself",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=600", "Age: 20")},
			{Origin: saysStatus(503, "Retry-After: 120", "X-A: error"), Want: Want{By: Stale, Calls: "1", Status: 200, Header: Checks{No("Retry-After"), No("X-A")}}},
			{Want: Want{By: Stale, Of: 1, Calls: "0", Status: 200, Header: Checks{No("Retry-After")}}},
		},
	},
}

// standsIn is an error that the stale response is given in place of.
func standsIn(name string, failing Answer) Case {
	return Case{
		ID: "5861-4-stands-in-for-" + name, Cite: "RFC 5861 §4",
		Title: "within the window the stale response is given in place of this error",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=50", "Age: 57")},
			{Origin: failing, Want: Want{By: Stale, Calls: "1", Status: 200, Header: Checks{No("X-A"), Between("Age", 57, 60)}}},
		},
	}
}

// noError is a status that isn't an error in the meaning of RFC 5861 §4.
func noError(name string, status int) Case {
	return Case{
		ID: "5861-4-no-error-is-" + name, Cite: "RFC 5861 §4",
		Title: "only 500, 502, 503 and 504 are errors that a stale response stands in for",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=600", "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(status, "X-A: new"), Want: Want{By: Validated, Status: status, Header: Checks{Is("X-A", "new")}}},
		},
	}
}

// stillAnError is a Cache-Control under which no stale response stands in for an error.
func stillAnError(name, cite, control string) Case {
	return Case{
		ID: "5861-4-still-an-error-with-" + name, Cite: cite,
		Title: control + " lets no stale response stand in for a status",
		Steps: []Step{
			{Origin: says("Cache-Control: "+control, "Age: 20", `Etag: "1"`)},
			{Origin: saysStatus(503, "X-A: error"), Want: Want{By: Validated, Status: 503, Header: Checks{Is("X-A", "error")}}},
		},
	}
}
