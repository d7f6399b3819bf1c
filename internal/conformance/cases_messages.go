// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"strings"
	"time"
)

// digits is a body of which parts are easily told.
const digits = "0123456789"

// messages are parts of messages that a cache must get right besides the header:
// 1xx responses, trailers, ranges, and answers that many share.
var messages = []Case{
	{
		ID: "9110-15.2-1xx-pass-and-are-not-stored", Cite: "RFC 9110 §15.2, RFC 9111 §3",
		Title: "a 1xx response goes to the client that waits, and its fields are no part of the final one",
		Steps: []Step{
			{
				Origin: Answer{Early: []Early{{103, Lines{"Link: </a.css>; rel=preload"}}, {103, Lines{"Link: </b.css>"}}}, Header: Lines{"Cache-Control: max-age=60"}},
				Want:   Want{Early: []Early{{103, Lines{"Link: </a.css>; rel=preload"}}, {103, Lines{"Link: </b.css>"}}}, Header: Checks{No("Link")}},
			},
			{Want: Want{By: Stored, Early: []Early{}, Header: Checks{No("Link")}}},
		},
	},
	{
		ID: "9110-6.5-trailers-pass", Cite: "RFC 9110 §6.5",
		Title: "trailers reach the client, and are never merged into the header",
		Steps: []Step{
			{
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Trailer: Lines{"X-Sum: 42"}, Chunks: true},
				Want:   Want{Header: Checks{No("X-Sum")}, Trailer: Checks{Is("X-Sum", "42")}},
			},
			{Want: Want{By: Stored, Header: Checks{No("X-Sum")}}},
		},
	},
	{
		ID: "9110-14.2-range-from-the-store", Cite: "RFC 9110 §14.2, RFC 9110 §15.3.7",
		Title: "a range of a stored whole response is answered from the store",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Request: Request{Header: Lines{"Range: bytes=2-4"}}, Want: Want{By: Stored, Status: 206, Body: "234", Header: Checks{Is("Content-Range", "bytes 2-4/10"), Is("Etag", `"1"`)}}},
			{Request: Request{Header: Lines{"Range: bytes=-3"}}, Want: Want{By: Stored, Status: 206, Body: "789", Header: Checks{Is("Content-Range", "bytes 7-9/10")}}},
			{Request: Request{Header: Lines{"Range: bytes=10-"}}, Want: Want{By: Stored, Status: 416, Empty: true, Header: Checks{Is("Content-Range", "bytes */10")}}},
			{Request: Request{Header: Lines{"Range: bytes=0-1", `If-Range: "2"`}}, Want: Want{By: Stored, Status: 200}},
		},
	},
	{
		ID: "9111-3.3-partial-content-is-not-the-whole", Cite: "RFC 9111 §3.3, RFC 9111 §3.4",
		Title: "a 206 is never given to who asks for the whole",
		Steps: []Step{
			{
				Request: Request{Header: Lines{"Range: bytes=2-4"}},
				Origin: Answer{Serve: func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("Etag", `"1"`)
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(digits))
				}},
				Want: Want{Status: 206, Body: "234"},
			},
			{Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-4-requests-are-collapsed", Cite: "RFC 9111 §4, RFC 9211 §2.6",
		Title: "requests that come while the same is being fetched are answered by that one fetch",
		Steps: []Step{
			{
				Also:   []Other{{Request: Request{Times: 8, Joins: true}, Want: Want{CacheStatus: "collapsed"}}},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: time.Second},
				Want:   Want{CacheStatus: "!collapsed"},
			},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-5.2.1.7-only-if-cached", Cite: "RFC 9111 §5.2.1.7",
		Title: "only-if-cached is answered from the store or with 504, and not by the origin",
		Steps: []Step{
			{Request: Request{Header: Lines{"Cache-Control: only-if-cached"}}, Want: Want{By: Own, Status: 504}},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Cache-Control: only-if-cached"}}, Want: Want{By: Stored}},
		},
	},
}
