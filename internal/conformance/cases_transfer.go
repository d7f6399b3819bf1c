// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// transfer is what surrounds a body and its header: trailers, 1xx responses, fields of one
// connection, and bodies that aren't what they are said to be.
var transfer = []Case{
	{
		ID: "9110-6.5-undeclared-trailers-pass", Cite: "RFC 9110 §6.5, RFC 9110 §6.6.2",
		Title: "a trailer that wasn't announced reaches the client as well, on an answer that is stored and on one that isn't",
		Steps: []Step{
			{
				Request: asksBy("GET", "/a"), Origin: Answer{Serve: unannounced("max-age=60")},
				Want: Want{Status: 200, Body: digits, Header: Checks{No("X-Sum")}, Trailer: Checks{Is("X-Sum", "42")}},
			},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Of: 1, Body: digits, Header: Checks{No("X-Sum")}}},
			{
				Request: asksBy("GET", "/b"), Origin: Answer{Serve: unannounced("no-store")},
				Want: Want{Status: 200, Body: digits, Header: Checks{No("X-Sum")}, Trailer: Checks{Is("X-Sum", "42")}},
			},
		},
	},
	{
		ID: "9110-6.5-several-trailers", Cite: "RFC 9110 §6.5",
		Title: "all trailers pass, beside a header field of the same name",
		Not:   map[Transport]string{Proxy: "httputil.ReverseProxy mixes a trailer with the header field of its name"},
		Steps: []Step{
			{
				Origin: Answer{Header: Lines{"Cache-Control: no-store", "X-A: header"}, Trailer: Lines{"X-A: trailer", "X-B: 1", "X-B: 2"}, Chunks: true},
				Want:   Want{Header: Checks{Is("X-A", "header")}, Trailer: Checks{Is("X-A", "trailer"), Is("X-B", "1, 2")}},
			},
		},
	},
	{
		ID: "9110-6.5.1-a-lifetime-in-the-trailer", Cite: "RFC 9110 §6.5.1, RFC 9111 §3",
		Title: "what stands in the trailer is no part of the header: it gives no lifetime",
		Steps: []Step{
			{Origin: Answer{Trailer: Lines{"Expires: {now+1h}", "CDN-Cache-Control: max-age=60"}, Chunks: true}},
			{},
		},
	},
	{
		ID: "9110-6.5.1-an-age-in-the-trailer", Cite: "RFC 9110 §6.5.1, RFC 9111 §4.2.3",
		Title: "nor takes it one away",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Trailer: Lines{"Age: 100", "Vary: *", "Set-Cookie: a=b"}, Chunks: true}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 0, 3), No("Vary"), No("Set-Cookie")}}},
		},
	},
	{
		ID: "9110-6.5-trailers-of-a-new-response", Cite: "RFC 9110 §6.5, RFC 9111 §4.3.3",
		Title: "a response that comes in answer to a validation passes with its trailers",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "2"`}, Trailer: Lines{"X-Sum: 42"}, Chunks: true},
				Want:   Want{By: Validated, Header: Checks{No("X-Sum")}, Trailer: Checks{Is("X-Sum", "42")}},
			},
			{Want: Want{By: Stored, Of: 2, Header: Checks{No("X-Sum")}}},
		},
	},
	{
		ID: "9110-15.2-102-passes", Cite: "RFC 9110 §15.2",
		Title: "a 1xx response that the cache doesn't know passes too",
		Steps: []Step{
			{
				Origin: Answer{Early: []Early{{102, nil}, {199, Lines{"X-A: 1"}}}, Header: Lines{"Cache-Control: max-age=60"}},
				Want:   Want{Early: []Early{{102, nil}, {199, Lines{"X-A: 1"}}}, Header: Checks{No("X-A")}},
			},
			{Want: Want{By: Stored, Early: []Early{}, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9110-15.2-1xx-of-what-is-not-stored", Cite: "RFC 9110 §15.2",
		Title: "1xx responses pass before answers that aren't stored, and to unsafe methods",
		Steps: []Step{
			{Origin: Answer{Early: []Early{{103, Lines{"Link: </a>"}}}, Header: Lines{"Cache-Control: no-store"}}, Want: Want{Early: []Early{{103, Lines{"Link: </a>"}}}, Header: Checks{No("Link")}}},
			{
				Request: Request{Method: "POST", Body: "x"}, Origin: Answer{Early: []Early{{103, Lines{"Link: </a>"}}}},
				Want: Want{Early: []Early{{103, Lines{"Link: </a>"}}}, Header: Checks{No("Link")}},
			},
			{Request: Request{Method: "HEAD"}, Origin: Answer{Early: []Early{{103, Lines{"Link: </a>"}}}}, Want: Want{Early: []Early{{103, Lines{"Link: </a>"}}}}},
		},
	},
	{
		ID: "9110-15.2-fields-of-1xx-are-not-the-final-ones", Cite: "RFC 9110 §15.2, RFC 9111 §3",
		Title: "the fields of a 1xx response say nothing of whether the final one may be stored",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: Answer{Early: []Early{{103, Lines{"Cache-Control: max-age=60"}}}}, Want: Want{Header: Checks{No("Cache-Control")}}},
			{Request: asksBy("GET", "/a")},
			{Request: asksBy("GET", "/b"), Origin: Answer{Early: []Early{{103, Lines{"Cache-Control: no-store", "Set-Cookie: a=b", "Vary: *"}}}, Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored, Header: Checks{No("Vary"), No("Set-Cookie")}}},
		},
	},
	{
		ID: "9110-15.2-1xx-before-304", Cite: "RFC 9110 §15.2, RFC 9111 §4.3.4",
		Title: "a 1xx response before a 304 is no part of what that updates",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Origin: Answer{Status: 304, Early: []Early{{103, Lines{"Link: </a>"}}}, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}},
				Want:   Want{By: Validated, Status: 200, Header: Checks{No("Link")}},
			},
			{Want: Want{By: Stored, Of: 1, Header: Checks{No("Link")}}},
		},
	},
	{
		ID: "9110-15.2-1xx-before-a-failure", Cite: "RFC 9110 §15.2, RFC 5861 §4",
		Title: "nor are its fields on what stands in for an error",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-if-error=600", "Age: 20")},
			{Origin: Answer{Status: 503, Early: []Early{{103, Lines{"Link: </a>"}}}}, Want: Want{By: Stale, Calls: "1", Status: 200, Header: Checks{No("Link")}}},
		},
	},
	{
		ID: "9110-7.6.1-connection-of-a-304", Cite: "RFC 9110 §7.6.1, RFC 9111 §3.2",
		Title: "fields that a 304 has for its connection only update nothing",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "X-A: old")},
			{
				Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "Connection: x-a, X-Hop", "X-A: new", "X-Hop: 1"),
				Want:   Want{By: Validated, Status: 200, Header: Checks{Is("X-A", "old"), No("X-Hop")}},
			},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("X-A", "old"), No("X-Hop")}}},
		},
	},
	{
		ID: "9110-5.5-line-ends-in-a-value", Cite: "RFC 9110 §5.5, RFC 9112 §11.1",
		Title: "a line end in a value makes no new field, from the origin or from the store",
		Not:   map[Transport]string{Direct: "the server below takes it out"},
		Steps: []Step{
			{Origin: Answer{Serve: smuggling}, Want: Want{Status: 200, Body: digits, Header: Checks{No("X-Smuggled"), No("Set-Cookie")}}},
			{Want: Want{By: Stored, Body: digits, Header: Checks{No("X-Smuggled"), No("Set-Cookie")}}},
		},
	},
	{
		ID: "9110-5.1-no-space-behind-a-name", Cite: "RFC 9110 §5.1, RFC 9112 §5.1",
		Title: "a name with a blank behind it isn't that of the field that it looks like",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Cache-Control : no-store", "Vary : *", "Etag : \"1\"")},
			{Want: Want{By: Stored, Header: Checks{Is("Cache-Control", "max-age=60"), No("Vary")}}},
		},
	},
	{
		ID: "9110-15.3.5-a-body-behind-204", Cite: "RFC 9110 §15.3.5",
		Title: "204 has no body, whatever the origin writes, when it comes and from the store",
		Steps: []Step{
			{
				Origin: Answer{Status: 204, Serve: func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.WriteHeader(http.StatusNoContent)
					_, _ = io.WriteString(w, "to nobody")
				}},
				Want: Want{Status: 204, Header: Checks{No("Content-Length")}},
			},
			{Want: Want{By: Stored, Status: 204, Header: Checks{No("Content-Length")}}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, Status: 204, Header: Checks{No("Content-Length")}}},
		},
	},
	{
		ID: "9110-15.3.6-nothing-in-205", Cite: "RFC 9110 §15.3.6, RFC 9111 §3",
		Title: "205 is answered from the store with nothing in it",
		Steps: []Step{
			{Origin: Answer{Status: 205, Empty: true, Header: Lines{"Cache-Control: max-age=60"}}},
			{Want: Want{By: Stored, Status: 205, Empty: true, Header: Checks{nothingBut("Content-Length", "0")}}},
		},
	},
	{
		ID: "9110-8.6-an-empty-body", Cite: "RFC 9110 §8.6, RFC 9111 §3",
		Title: "an empty body is a body: it is stored, and given as one of no length",
		Steps: []Step{
			{Origin: Answer{Empty: true, Header: Lines{"Cache-Control: max-age=60"}}},
			{Want: Want{By: Stored, Status: 200, Empty: true, Header: Checks{Is("Content-Length", "0")}}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, Status: 200, Header: Checks{nothingBut("Content-Length", "0")}}},
		},
	},
	{
		ID: "9110-8.6-more-than-declared", Cite: "RFC 9110 §8.6, RFC 9112 §8",
		Title: "a body that is longer than its Content-Length is taken for a whole one by nobody, and isn't stored",
		Steps: []Step{
			{
				Origin: Answer{Serve: func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("Content-Length", "5")
					_, _ = io.WriteString(w, digits)
				}},
				Want: Want{Broken: true},
			},
			{},
		},
	},
	{
		ID: "9110-8.6-declared-and-empty", Cite: "RFC 9110 §8.6, RFC 9112 §8",
		Title: "a declared length and no body at all is no empty body",
		Steps: []Step{
			{
				Origin: Answer{Serve: func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("Content-Length", "5")
				}},
				Want: Want{Broken: true},
			},
			{},
		},
	},
	{
		ID: "9110-12.5.5-very-many-variants", Cite: "RFC 9110 §12.5.5, RFC 9111 §4.1",
		Title: "of very many values of one field, none is given another's response",
		Not:   OnlyDirect("so many steps take too long where time is real"),
		Steps: variants(200),
	},
	{
		ID: "9110-12.5.5-very-many-names", Cite: "RFC 9110 §12.5.5, RFC 9111 §4.1",
		Title: "a difference in the last of very many fields that Vary names is one",
		Steps: []Step{
			{Request: asks("X-40: a"), Origin: says("Cache-Control: max-age=60", "Vary: "+names(40))},
			{Request: asks("X-40: b"), Origin: says("Cache-Control: max-age=60", "Vary: "+names(40))},
			{Request: asks("X-40: a"), Want: Want{By: Stored, Of: 1}},
		},
	},
}

func unannounced(control string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", control)
		writePart(w, digits[:4])
		_, _ = io.WriteString(w, digits[4:])
		w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
	}
}

func smuggling(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	w.Header().Set("X-A", "1\r\nX-Smuggled: 1")
	w.Header().Set("X-B", "1\nSet-Cookie: a=b\r\n\r\n<p>")
	_, _ = io.WriteString(w, digits)
}

// variants are requests with many values of one field, and all of them again. How many of
// the responses are still stored then is up to the cache.
func variants(n int) (steps []Step) {
	for range 2 {
		for v := range strings.SplitSeq(names(n), ", ") {
			steps = append(steps, Step{
				Request: asks("X-A: " + v),
				Origin:  Answer{Body: "for " + v, Header: Lines{"Cache-Control: max-age=60", "Vary: X-A"}},
				Want:    Want{By: Anyone, Calls: "0-1", Status: 200, Body: "for " + v},
			})
		}
	}
	return steps
}

// names are names of fields: …
func names(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("X-%d", i+1)
	}
	return strings.Join(list, ", ")
}
