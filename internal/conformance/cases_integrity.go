// SPDX-License-Identifier: MIT

package conformance

// integrity is what becomes of the store, and of the client, when the origin's answer goes
// wrong: nothing that isn't whole is ever stored, and what is stored stays as it was.
var integrity = []Case{
	cut("at-the-first-byte", Answer{Fail: Aborts, After: 1}),
	cut("at-the-last-byte", Answer{Body: digits, Fail: Aborts, After: 9}),
	cut("behind-the-last-byte", Answer{Body: digits, Fail: Aborts, After: 10}),
	cut("with-a-length", Answer{Body: digits, Header: Lines{"Content-Length: 10"}, Fail: Aborts, After: 5}),
	cut("by-a-panic", Answer{Fail: Panics, After: 5}),
	cut("by-a-panic-at-once", Answer{Fail: Panics}),
	cut("one-byte-short", Answer{Body: digits, Fail: Short, After: 9}),
	cut("in-a-long-body", Answer{Body: long, Fail: Aborts, After: len(long) - 1}),
	cut("of-an-error", Answer{Status: 404, Fail: Aborts, After: 5}),
	{
		ID: "9111-3.3-cut-part", Cite: "RFC 9111 §3.3, RFC 9112 §8",
		Title: "a part that breaks off is no part of what is stored",
		Steps: []Step{
			{
				Request: asks("Range: bytes=0-9"),
				Origin:  Answer{Status: 206, Body: digits, Header: Lines{"Cache-Control: max-age=60", "Content-Range: bytes 0-9/20", `Etag: "1"`}, Fail: Aborts, After: 5},
				Want:    Want{Broken: true, Calls: "1"},
			},
			{
				Request: asks("Range: bytes=0-3"),
				Origin:  content(digits+digits, `"1"`, "max-age=60"),
				Want:    Want{By: Anyone, Calls: "1", Status: 206, Body: "0123", Header: Checks{Is("Content-Range", "bytes 0-3/20")}},
			},
		},
	},
	{
		ID: "9111-3.3-long-body-is-whole", Cite: "RFC 9111 §3.3, RFC 9110 §8.6",
		Title: "a long body comes from the store byte for byte, and so do its ranges",
		Steps: []Step{
			{Origin: Answer{Body: long, Header: Lines{"Cache-Control: max-age=60"}, Chunks: true}},
			{Want: Want{By: Stored}},
			{
				Request: asks("Range: bytes=-5"),
				Want:    Want{By: Stored, Status: 206, Body: long[len(long)-5:]},
			},
		},
	},
	leaves("error-with-a-tag", saysStatus(500, `Etag: "2"`, "Cache-Control: no-store"), Want{By: Validated, Status: 500}),
	leaves("reset", Answer{Fail: Closes}, Want{By: Anyone, Calls: "1", Status: 502}),
	leaves("refused-connection", Answer{Fail: Unreachable}, Want{By: Anyone, Calls: "1", Status: 502}),
	leaves("timeout", Answer{Fail: TimesOut}, Want{By: Anyone, Calls: "1", Status: 504}),
	leaves("panic", Answer{Fail: Panics}, Want{By: Anyone, Calls: "1", Broken: true}),
	{
		ID: "9111-4.3.3-error-on-reload-leaves-what-is-fresh", Cite: "RFC 9111 §4.3.3, RFC 9111 §5.2.1.4",
		Title: "an error in answer to a forced reload doesn't take a fresh response from the others",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=600", `Etag: "1"`)},
			{Request: asks("Cache-Control: no-cache"), Origin: saysStatus(503), Want: Want{By: Anyone, Calls: "1"}},
			{Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	},
	{
		ID: "9111-4.3.3-cut-reload-leaves-what-is-fresh", Cite: "RFC 9111 §4.3.3, RFC 9111 §3.3",
		Title: "nor does a reload that breaks off",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=600", `Etag: "1"`)},
			{Request: asks("Cache-Control: no-cache"), Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Fail: Closes}, Want: Want{By: Anyone, Calls: "1"}},
			{Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	},
	{
		ID: "9110-15.6.3-unreachable-and-nothing-stored", Cite: "RFC 9110 §15.6.3, RFC 9110 §15.6.5",
		Title: "with nothing stored, a failing origin is an error, never an empty success, and isn't remembered as one",
		Steps: []Step{
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502}},
			{Origin: Answer{Fail: Closes}, Want: Want{By: Anyone, Calls: "1", Status: 502}},
			{Origin: Answer{Fail: TimesOut}, Want: Want{By: Anyone, Calls: "1", Status: 504}},
			{Origin: says("Cache-Control: max-age=60")},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9110-15.6.5-no-answer-and-nothing-stored", Cite: "RFC 9110 §15.6.5",
		Title: "an origin that never answers ends in 504",
		Not:   OnlyDirect("it takes as long as the cache is patient"),
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: Answer{Fail: Hangs}, Want: Want{By: Anyone, Calls: "1", Status: 504}},
			{Request: asksBy("GET", "/b"), Origin: Answer{Fail: Deaf}, Want: Want{By: Anyone, Calls: "1", Status: 504}},
		},
	},
	{
		ID: "9110-15.4.5-unasked-304", Cite: "RFC 9110 §15.4.5, RFC 9111 §3",
		Title: "a 304 that nobody asked for is nothing to give to anybody else",
		Steps: []Step{
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Anyone, Calls: "1"}},
			{},
		},
	},
	{
		ID: "9110-15.4.5-unasked-304-and-a-stored-response", Cite: "RFC 9110 §15.4.5, RFC 9111 §4.3.4",
		Title: "a 304 of another entity tag doesn't freshen a stored response that has none",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20")},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "2"`), Want: Want{By: Anyone, Calls: "1"}},
			{},
		},
	},
}

// long is longer than any buffer that an answer is likely to be held back in.
var long = func() string {
	b := make([]byte, 300<<10)
	for i := range b {
		b[i] = 'a' + byte(i*7%26)
	}
	return string(b)
}()

// cut is an answer that ends too early. The next request gets a new one, and that is stored.
func cut(name string, a Answer) Case {
	a.Header = append(Lines{"Cache-Control: max-age=60"}, a.Header...)
	return Case{
		ID: "9111-3.3-cut-" + name, Cite: "RFC 9111 §3.3, RFC 9112 §8",
		Title: "an answer that isn't whole isn't stored, and no client takes it for a whole one",
		Steps: []Step{
			{Origin: a, Want: Want{Broken: true, Calls: "1"}},
			{Origin: says("Cache-Control: max-age=60")},
			{Want: Want{By: Stored, Of: 2}},
		},
	}
}

// leaves is a failure of a validation that leaves the stored response as it was.
func leaves(name string, failing Answer, want Want) Case {
	return Case{
		ID: "9111-4.3.3-stored-response-stays-after-" + name, Cite: "RFC 9111 §4.3.3, RFC 9111 §5.2.2.2",
		Title: "such an end of a validation changes nothing of the stored response: later it is validated with the same tag",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, must-revalidate", "Age: 20", `Etag: "1"`, "X-A: old")},
			{Origin: failing, Want: want},
			{
				Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want:   Want{By: Validated, Of: 1, Status: 200, Sees: Checks{Is("If-None-Match", `"1"`)}, Header: Checks{Is("X-A", "old")}},
			},
			{Want: Want{By: Stored, Of: 1, Status: 200}},
		},
	}
}
