// SPDX-License-Identifier: MIT

package conformance

// storable is RFC 9111 §3 further: requests, statuses and directives that decide whether
// a response is stored at all.
var storable = []Case{
	{
		ID: "9111-3-nothing-that-allows-it", Cite: "RFC 9111 §3",
		Title: "a status that isn't heuristically cacheable isn't stored without a lifetime or public",
		Steps: []Step{
			{Origin: saysStatus(202, "Last-Modified: {start-1000h}", `Etag: "1"`), Want: Want{CacheStatus: "!stored"}},
			{Origin: saysStatus(202, `Etag: "2"`)},
		},
	},
	storedWithLifetime("204", 204), storedWithLifetime("301", 301), storedWithLifetime("302", 302),
	storedWithLifetime("404", 404), storedWithLifetime("451", 451), storedWithLifetime("500", 500),
	storedWithLifetime("503", 503), storedWithLifetime("599", 599),
	{
		ID: "9111-3-unasked-206-is-not-a-whole", Cite: "RFC 9111 §3, RFC 9111 §3.3",
		Title: "a 206 that nobody asked for isn't stored as if it were the whole",
		Steps: []Step{
			{Origin: Answer{Status: 206, Body: "234", Header: Lines{"Cache-Control: max-age=60", "Content-Range: bytes 2-4/10", `Etag: "1"`}}},
			{Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-3-unsatisfied-range-is-not-stored", Cite: "RFC 9111 §3, RFC 9110 §15.5.17",
		Title: "a 416 speaks of the range that was asked for, so it answers no request without one",
		Steps: []Step{
			{
				Request: asks("Range: bytes=100-200"),
				Origin:  Answer{Status: 416, Empty: true, Header: Lines{"Cache-Control: max-age=60", "Content-Range: bytes */10"}},
			},
			{Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-3-304-to-a-foreign-condition-is-not-stored", Cite: "RFC 9111 §3, RFC 9110 §15.4.5",
		Title: "a 304 to a client's own condition, with nothing stored, passes and answers nobody else",
		Steps: []Step{
			{
				Request: asks(`If-None-Match: "1"`),
				Origin:  Answer{Serve: tagged(`"1"`, "max-age=60", digits)},
				Want:    Want{By: Anyone, Calls: "1", Status: 304, Header: Checks{Is("Etag", `"1"`)}},
			},
			{
				Origin: Answer{Serve: tagged(`"1"`, "max-age=60", digits)},
				Want:   Want{By: Anyone, Calls: "0-1", Status: 200, Body: digits, Header: Checks{Is("Etag", `"1"`)}},
			},
		},
	},
	{
		ID: "9111-3-head-is-not-stored-for-get", Cite: "RFC 9111 §3, RFC 9110 §9.3.2",
		Title: "the answer to HEAD has no body that a GET could be given",
		Steps: []Step{
			{Request: asksBy("HEAD", "/"), Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Origin: says("Cache-Control: max-age=60")},
		},
	},
	methodNotStored("PUT"), methodNotStored("DELETE"), methodNotStored("PATCH"), methodNotStored("OPTIONS"), methodNotStored("FROB"),
	{
		ID: "9111-3-post-of-the-target-answers-get", Cite: "RFC 9111 §3, RFC 9110 §9.3.3",
		Title: "a POST whose 200 has a lifetime and names the target in Content-Location may answer a later GET",
		Steps: []Step{
			{
				Request: Request{Method: "POST", Target: "/a", Body: "x"},
				Origin:  says("Cache-Control: max-age=60", "Content-Location: /a"),
			},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Of: 1}},
			{Request: Request{Method: "POST", Target: "/a", Body: "x"}},
		},
	},
	{
		ID: "9111-3-post-of-another-target-does-not", Cite: "RFC 9111 §3, RFC 9110 §9.3.3",
		Title: "without such a Content-Location, or with another's, the answer to POST answers no GET",
		Steps: []Step{
			{Request: Request{Method: "POST", Target: "/a", Body: "x"}, Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a")},
			{Request: Request{Method: "POST", Target: "/b", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: /c")},
			{Request: asksBy("GET", "/b")},
			{Request: asksBy("GET", "/c")},
		},
	},
	{
		ID: "9111-5.2.1.5-no-store-of-the-request", Cite: "RFC 9111 §5.2.1.5",
		Title: "the response to a request with no-store isn't stored",
		Steps: []Step{
			{Request: asks("Cache-Control: no-store"), Origin: says("Cache-Control: max-age=60, public"), Want: Want{CacheStatus: "!stored"}},
			{},
		},
	},
	{
		ID: "9111-5.2.1.5-no-store-does-not-unstore", Cite: "RFC 9111 §5.2.1.5",
		Title: "a request with no-store doesn't touch what is stored already",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Cache-Control: no-store"), Want: Want{By: Anyone, Calls: "0-1", Status: 200}},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-5.2.1.5-no-store-of-a-validating-request", Cite: "RFC 9111 §5.2.1.5, RFC 9111 §4.3.3",
		Title: "nor is it stored in the place of a stale one",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Request: asks("Cache-Control: no-store"), Origin: says("Cache-Control: max-age=60", `Etag: "2"`), Want: Want{By: Anyone, Calls: "1", Of: 2, Status: 200}},
			{Want: Want{By: Anyone, Calls: "1", Of: 3, Status: 200}},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-of-public", Cite: "RFC 9111 §5.2.2.5, RFC 9111 §4.2.1",
		Title: "of conflicting directives the most restrictive counts: no-store beside public and s-maxage",
		Steps: []Step{
			{Origin: says("Cache-Control: public, s-maxage=60, no-store")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-behind-garbage", Cite: "RFC 9111 §5.2.2.5, RFC 9111 §5.2.3",
		Title: "a directive that can't be read hides none that stands beside it",
		Steps: []Step{
			{Origin: says(`Cache-Control: max-age=60, =, foo="a, b", ,,x;y, no-store`)},
			{},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-with-an-argument", Cite: "RFC 9111 §5.2.2.5, RFC 9111 §5.2",
		Title: "an argument that isn't defined doesn't take a directive away",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, no-store=1")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-keeps-the-older", Cite: "RFC 9111 §5.2.2.5",
		Title: "the answer of no-store that a client forced is no answer for others, who get the stored one",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Cache-Control: no-cache"), Origin: says("Cache-Control: no-store")},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-5.2.2.7-private-beside-public", Cite: "RFC 9111 §5.2.2.7, RFC 9111 §4.2.1",
		Title: "private beside public and s-maxage still forbids a shared cache to store",
		Steps: []Step{
			{Origin: says("Cache-Control: public, s-maxage=60", "Cache-Control: PRIVATE")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.3-must-understand-of-an-understood-error", Cite: "RFC 9111 §5.2.2.3",
		Title: "must-understand with no-store is stored for any status that is understood, not just 200",
		Steps: []Step{
			{Origin: saysStatus(404, "Cache-Control: no-store, must-understand, max-age=60")},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-5.2.2.3-must-understand-and-no-store-of-the-request", Cite: "RFC 9111 §5.2.2.3, RFC 9111 §5.2.1.5",
		Title: "must-understand sets aside the no-store of the response, not that of the request, nor private",
		Steps: []Step{
			{Request: asks("Cache-Control: no-store"), Origin: says("Cache-Control: no-store, must-understand, max-age=60")},
			{Origin: says("Cache-Control: no-store, must-understand, max-age=60, private")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.3-must-understand-unknown-status-and-no-store", Cite: "RFC 9111 §5.2.2.3",
		Title: "for a status that isn't understood, the no-store beside must-understand counts",
		Steps: []Step{
			{Origin: saysStatus(299, "Cache-Control: no-store, must-understand, max-age=60")},
			{},
		},
	},
}

// storedWithLifetime is a final status whose response gives a lifetime.
func storedWithLifetime(name string, status int) Case {
	return Case{
		ID: "9111-3-lifetime-and-status-" + name, Cite: "RFC 9111 §3",
		Title: "a " + name + " with a lifetime is stored, and given with its status and fields",
		Steps: []Step{
			{Origin: saysStatus(status, "Cache-Control: max-age=60", "X-A: 1", "Location: /there")},
			{Want: Want{By: Stored, Status: status, Header: Checks{Is("X-A", "1"), Is("Location", "/there")}}},
		},
	}
}

// methodNotStored is a method whose responses no cache may give to a later request, as
// nothing defines how.
func methodNotStored(method string) Case {
	return Case{
		ID: "9111-3-not-stored-" + map[string]string{
			"PUT": "put", "DELETE": "delete", "PATCH": "patch", "OPTIONS": "options", "FROB": "unknown-method",
		}[method], Cite: "RFC 9111 §3, RFC 9110 §9.2.3",
		Title: "the answer to " + method + " answers neither the same nor a GET",
		Steps: []Step{
			{Request: asksBy(method, "/"), Origin: says("Cache-Control: max-age=60, public")},
			{Request: asksBy(method, "/"), Origin: says("Cache-Control: max-age=60, public")},
			{},
		},
	}
}
