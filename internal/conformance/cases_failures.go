// SPDX-License-Identifier: MIT

package conformance

import "time"

// failures are what an origin does wrong: what breaks off is never stored, and a stored
// response stands in where that is allowed.
var failures = []Case{
	{
		ID: "9111-3.3-broken-off-is-not-stored", Cite: "RFC 9111 §3.3, RFC 9112 §8",
		Title: "a body that breaks off breaks off for the client, and isn't stored",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Fail: Aborts, After: 5}, Want: Want{Aborted: true}},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9111-3.3-less-than-declared-is-not-stored", Cite: "RFC 9111 §3.3, RFC 9112 §8",
		Title: "a body that is shorter than its Content-Length isn't taken for a whole one, nor stored",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Fail: Short, After: 5}, Want: Want{Broken: true}},
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}},
		},
	},
	{
		ID: "9111-4.2.4-unreachable-origin", Cite: "RFC 9111 §4.2.4",
		Title: "a stale response may be given while the origin can't be reached",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1"}}, Pass: 1200 * time.Millisecond},
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Stale, Calls: "1", Header: Checks{Between("Age", 1, 4)}, CacheStatus: "fwd=stale; detail=disconnected; ttl=-4..-1"}},
		},
	},
	{
		ID: "9111-4.2.4-unreachable-origin-and-must-revalidate", Cite: "RFC 9111 §4.2.4, RFC 9111 §5.2.2.2",
		Title: "must-revalidate forbids that; the answer is an error",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1, must-revalidate", "X-A: 1"}}, Pass: 1200 * time.Millisecond},
			{Origin: Answer{Fail: Closes}, Want: Want{By: Anyone, Calls: "1", Status: 502, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "5861-3-stale-while-revalidate", Cite: "RFC 5861 §3",
		Title: "within the window the stale response comes at once, and the origin is asked behind it",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1, stale-while-revalidate=60", `Etag: "1"`}}, Pass: 1200 * time.Millisecond},
			{
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 200 * time.Millisecond},
				Want:   Want{By: Stale, Calls: "1", Sees: Checks{Is("If-None-Match", `"1"`)}, CacheStatus: "hit; detail=stale-while-revalidate"},
				Pass:   500 * time.Millisecond,
			},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "5861-4-stale-if-error", Cite: "RFC 5861 §4",
		Title: "within the window the stale response stands in for an error",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1, stale-if-error=60"}}, Pass: 1200 * time.Millisecond},
			{Origin: Answer{Status: 503}, Want: Want{By: Stale, Calls: "1", Status: 200, CacheStatus: "fwd=stale; fwd-status=503"}},
		},
	},
}
