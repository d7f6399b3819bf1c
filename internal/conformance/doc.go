// SPDX-License-Identifier: MIT

// Package conformance is a suite of cases for an HTTP cache in front of an http.Handler,
// by section of the RFCs: 9111 (caching), 9110 (conditions and ranges), 5861 (stale), 9211
// (Cache-Status). It knows nothing of the cache but what Target says.
//
// A case is a table of steps. What is left out has a useful default: GET of "/", an origin
// that answers 200 with a body which tells its step, and that this is what the client gets.
//
//	{
//		ID: "9111-4.2.1-s-maxage-wins", Cite: "RFC 9111 §4.2.1",
//		Title: "in a shared cache s-maxage outranks max-age",
//		Steps: []Step{
//			{Origin: Answer{Header: Lines{"Cache-Control: max-age=1, s-maxage=60"}}, Pass: 2 * time.Second},
//			{Want: Want{By: Stored, Header: Checks{Between("Age", 2, 4)}}},
//		},
//	},
//
// Every case runs over every Transport, unless it takes longer than MaxReal (then over
// Direct, where time is free), or Case.Not says why a transport makes no sense. To be run
// over all of them, let a response come with an Age or a Date instead of letting time pass:
// "Age: 59", "Date: {now-59s}". No order of requests may rest on small times: who is to
// join a fetch under way has Request.Joins, and the fetch a Delay of a second. Between
// two steps all is done that doesn't wait for time to pass.
//
// What counts as an answer of whom, beside what a case checks itself:
//
//   - the body, byte for byte: of the call of the origin that it must be from
//   - the status of that call
//   - how often the origin was called, and whether with a condition of the cache's
//   - hit or fwd in Cache-Status, if Target.CacheName is set
//   - an Age on everything from the store
//
// A failure shows all that was sent and seen. One case over one transport:
//
//	go test -run 'TestConformance/safe/http1/9111-4.2.1-s-maxage-wins$' .
//
// New cases stand in files of their own, in a slice that Cases joins to the others.
package conformance
