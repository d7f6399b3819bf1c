// SPDX-License-Identifier: MIT

package conformance

import (
	"io"
	"net/http"
)

// methods are RFC 9110 §9.3.2, what HEAD is answered with, §9.3.3, what a later GET may
// get of a POST, and the same of PATCH.
var methods = []Case{
	{
		ID: "9110-9.3.2-of-a-body-in-chunks", Cite: "RFC 9110 §9.3.2, RFC 9110 §8.6",
		Title: "where the length wasn't declared, HEAD tells the right one or none",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60"}, Chunks: true}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, Header: Checks{nothingBut("Content-Length", "10")}}},
		},
	},
	{
		ID: "9110-9.3.2-of-an-error", Cite: "RFC 9110 §9.3.2",
		Title: "a stored error answers HEAD with its status",
		Steps: []Step{
			{Origin: Answer{Status: 410, Body: digits, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, Status: 410, Header: Checks{nothingBut("Content-Length", "10")}}},
		},
	},
	{
		ID: "9110-9.3.2-selected-like-get", Cite: "RFC 9110 §9.3.2, RFC 9110 §12.5.5",
		Title: "Vary counts for HEAD as for GET",
		Steps: []Step{
			{Request: asks("Accept-Language: en"), Origin: says("Cache-Control: max-age=60", "Vary: Accept-Language", "X-A: en")},
			{Request: asksBy("HEAD", "/", "Accept-Language: de"), Origin: says("X-A: de"), Want: Want{Header: Checks{Is("X-A", "de")}}},
			{Request: asksBy("HEAD", "/", "Accept-Language: en"), Want: Want{By: Stored, Of: 1, Header: Checks{Is("X-A", "en")}}},
		},
	},
	{
		ID: "9110-9.3.2-origin-that-sends-a-body", Cite: "RFC 9110 §9.3.2",
		Title: "an origin that writes a body to HEAD: it reaches nobody, then or later",
		Steps: []Step{
			{
				Request: Request{Method: "HEAD"},
				Origin: Answer{Serve: func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					_, _ = io.WriteString(w, "to nobody")
				}},
				Want: Want{Empty: true, Status: 200},
			},
			{Origin: says("Cache-Control: max-age=60")},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9110-9.3.2-length-of-a-head-is-no-length-of-a-body", Cite: "RFC 9110 §9.3.2, RFC 9110 §8.6",
		Title: "the Content-Length of an answer to HEAD passes, though no body comes",
		Steps: []Step{
			{Request: Request{Method: "HEAD"}, Origin: Answer{Empty: true, Header: Lines{"Content-Length: 1234"}}, Want: Want{Header: Checks{Is("Content-Length", "1234")}}},
		},
	},
	saysOfTarget("POST", "9110-9.3.3-answers-get-and-head", "RFC 9110 §9.3.3, RFC 9110 §8.7"),
	saysOfTarget("PATCH", "5789-2-answers-get-and-head", "RFC 5789 §2, RFC 9110 §8.7"),
	{
		ID: "9110-9.3.3-content-location-as-absolute-uri", Cite: "RFC 9110 §9.3.3, RFC 9110 §8.7",
		Title: "Content-Location is the same target in whatever form it comes",
		Steps: []Step{
			{Request: Request{Method: "POST", Target: "/a?b=c", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: {base}/a?b=c")},
			{Request: asksBy("GET", "/a?b=c"), Want: Want{By: Stored, Of: 1}},
			{Request: Request{Method: "POST", Target: "/d/e", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: e")},
			{Request: asksBy("GET", "/d/e"), Want: Want{By: Stored, Of: 3}},
		},
	},
	{
		ID: "9110-9.3.3-replaces-what-get-brought", Cite: "RFC 9110 §9.3.3, RFC 9111 §4",
		Title: "the representation that came with a POST is newer than what a GET brought before",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Method: "POST", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: /")},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9110-9.3.3-expires-is-a-lifetime", Cite: "RFC 9110 §9.3.3",
		Title: "Expires is explicit freshness information too",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "x"}, Origin: says("Expires: {now+1m}", "Content-Location: /")},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9110-9.3.3-heuristics-are-no-lifetime", Cite: "RFC 9110 §9.3.3",
		Title: "a lifetime by heuristics isn't enough for POST",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "x"}, Origin: says("Last-Modified: {start-10000h}", "Content-Location: /")},
			{},
		},
	},
	{
		ID: "9110-9.3.3-two-content-locations", Cite: "RFC 9110 §9.3.3, RFC 9110 §8.7",
		Title: "two lines of Content-Location are no reference to the target",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: /", "Content-Location: /b")},
			{},
		},
	},
	ofNobody("other-query", saysStatus(200, "Cache-Control: max-age=60", "Content-Location: /?b")),
	ofNobody("other-host", saysStatus(200, "Cache-Control: max-age=60", "Content-Location: http://other.example/")),
	ofNobody("other-scheme", saysStatus(200, "Cache-Control: max-age=60", "Content-Location: ftp://example.com/")),
	ofNobody("another-path", saysStatus(200, "Cache-Control: max-age=60", "Content-Location: /x/..%2f")),
	ofNobody("no-store", saysStatus(200, "Cache-Control: no-store, max-age=60", "Content-Location: /")),
	ofNobody("private", saysStatus(200, "Cache-Control: private, max-age=60", "Content-Location: /")),
	ofNobody("vary-star", saysStatus(200, "Cache-Control: max-age=60", "Content-Location: /", "Vary: *")),
	ofNobody("error", saysStatus(422, "Cache-Control: max-age=60", "Content-Location: /")),
	ofNobody("no-content", saysStatus(204, "Cache-Control: max-age=60", "Content-Location: /")),
	ofNobody("part", Answer{Status: 206, Body: "x", Header: Lines{"Cache-Control: max-age=60", "Content-Location: /", "Content-Range: bytes 0-0/5"}}),
	ofNobody("broken", Answer{Header: Lines{"Cache-Control: max-age=60", "Content-Location: /"}, Fail: Aborts, After: 5}),
	{
		ID: "9110-9.3.3-authorization", Cite: "RFC 9110 §9.3.3, RFC 9111 §3.5",
		Title: "what a POST with Authorization brought isn't shared unless it says so",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "x", Header: Lines{"Authorization: Bearer a"}}, Origin: says("Cache-Control: max-age=60", "Content-Location: /")},
			{},
		},
	},
	{
		ID: "9110-9.3.3-selected-by-vary", Cite: "RFC 9110 §9.3.3, RFC 9111 §4.1",
		Title: "what a POST brought is one representation: Vary says who may have it",
		Steps: []Step{
			{
				Request: Request{Method: "POST", Body: "x", Header: Lines{"Accept-Language: en"}},
				Origin:  says("Cache-Control: max-age=60", "Content-Location: /", "Vary: Accept-Language"),
			},
			{Request: asks("Accept-Language: de")},
			{Request: asks("Accept-Language: en"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9110-9.3.4-put-brings-no-response", Cite: "RFC 9110 §9.3.4, RFC 9110 §9.3.5",
		Title: "responses to PUT and DELETE aren't cacheable, whatever Content-Location says",
		Steps: []Step{
			{Request: Request{Method: "PUT", Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: /")},
			{},
			{Request: asksBy("DELETE", "/"), Origin: says("Cache-Control: max-age=60", "Content-Location: /")},
			{},
		},
	},
	{
		ID: "9110-9.3.7-options-brings-no-response", Cite: "RFC 9110 §9.3.7",
		Title: "responses to OPTIONS aren't cacheable",
		Steps: []Step{
			{Request: asksBy("OPTIONS", "/"), Origin: says("Cache-Control: max-age=60", "Content-Location: /")},
			{},
		},
	},
}

// saysOfTarget is an unsafe method whose response is the representation that a later
// GET would get.
func saysOfTarget(method, id, cite string) Case {
	return Case{
		ID: id, Cite: cite,
		Title: "the response to " + method + " with a lifetime and the target as Content-Location answers GET and HEAD, but no other " + method,
		Steps: []Step{
			{Request: Request{Method: method, Body: "x"}, Origin: says("Cache-Control: max-age=60", "Content-Location: /", `Etag: "1"`)},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("Etag", `"1"`)}}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, Of: 1, Header: Checks{SameAs("Content-Length", 2)}}},
			{Request: Request{Method: method, Body: "x"}},
		},
	}
}

// ofNobody is an answer to POST and to PATCH that answers no GET.
func ofNobody(name string, a Answer) Case {
	want := Want{Aborted: a.Fail != Nothing}
	return Case{
		ID: "9110-9.3.3-answers-no-get-" + name, Cite: "RFC 9110 §9.3.3, RFC 5789 §2, RFC 9111 §3",
		Title: "such an answer to POST or PATCH is none that a GET could be given",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "x"}, Origin: a, Want: want},
			{},
			{Request: Request{Method: "PATCH", Target: "/", Body: "x"}, Origin: a, Want: want},
			{},
		},
	}
}
