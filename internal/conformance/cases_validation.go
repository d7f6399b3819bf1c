// SPDX-License-Identifier: MIT

package conformance

import "time"

// validation is RFC 9111 §4.3: conditions to the origin, and from the client.
var validation = []Case{
	{
		ID: "9111-4.3.1-etag-is-sent-unchanged", Cite: "RFC 9111 §4.3.1",
		Title: "a stale response is validated with its entity tag, byte for byte",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: W/"a, b"`}}},
			{
				Origin: Answer{Status: 304, Header: Lines{`Etag: W/"a, b"`, "Cache-Control: max-age=60"}},
				Want:   Want{By: Validated, Sees: Checks{Is("If-None-Match", `W/"a, b"`), No("If-Modified-Since")}, CacheStatus: "fwd=stale; fwd-status=304; stored"},
			},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4.3.1-last-modified-is-sent-unchanged", Cite: "RFC 9111 §4.3.1",
		Title: "a stale response is validated with its Last-Modified",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10", "Last-Modified: {start-1h}"}}},
			{
				Origin: Answer{Status: 304, Header: Lines{"Cache-Control: max-age=60"}},
				Want:   Want{By: Validated, Sees: Checks{Is("If-Modified-Since", "{start-1h}"), No("If-None-Match")}},
			},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4.3.2-client-condition-from-the-store", Cite: "RFC 9111 §4.3.2",
		Title: "a client's condition is answered from a fresh stored response",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "Last-Modified: {start-1h}"}}},
			{Request: Request{Header: Lines{`If-None-Match: "0", "1"`}}, Want: Want{By: Stored, Status: 304, Header: Checks{Is("Etag", `"1"`), SameAs("Date", 1)}}},
			{Request: Request{Header: Lines{`If-None-Match: "2"`}}, Want: Want{By: Stored}},
			{Request: Request{Header: Lines{"If-Modified-Since: {start-1h}"}}, Want: Want{By: Stored, Status: 304}},
			{Request: Request{Header: Lines{"If-Modified-Since: {start-2h}"}}, Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4.3.3-full-response-replaces", Cite: "RFC 9111 §4.3.3",
		Title: "a 200 in answer to a validation replaces what is stored",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "X-Old: 1"}}},
			{
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "2"`}},
				Want:   Want{By: Validated, Sees: Checks{Is("If-None-Match", `"1"`)}, Header: Checks{Is("Etag", `"2"`), No("X-Old")}},
			},
			{Want: Want{By: Stored, Of: 2, Header: Checks{Is("Etag", `"2"`), No("X-Old")}}},
		},
	},
	{
		ID: "9111-4.3.4-304-updates-fields", Cite: "RFC 9111 §4.3.4, RFC 9111 §3.2",
		Title: "a 304 updates the stored fields but Content-Length, keeps the others, and restarts freshness",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "X-A: old", "X-B: old"}}},
			{
				Origin: Answer{Status: 304, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "X-A: new"}},
				Want:   Want{By: Validated, Header: Checks{Is("X-A", "new"), Is("X-B", "old")}},
			},
			{Want: Want{By: Stored, Header: Checks{Is("X-A", "new"), Is("X-B", "old"), Between("Age", 0, 3), SameAs("Content-Length", 1)}, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-4.3.5-head-freshens", Cite: "RFC 9111 §4.3.5",
		Title: "a HEAD answer whose validators agree freshens the stored response to GET",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1", `Etag: "1"`}}, Pass: 1200 * time.Millisecond},
			{Request: Request{Method: "HEAD"}, Origin: Answer{Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}, Want: Want{By: Anyone, Calls: "1", Status: 200}},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
}
