// SPDX-License-Identifier: MIT

// Package holdover is net/http middleware that caches what a handler answers
// and goes on answering when the handler can't.
//
//	cache, err := holdover.New(holdover.Config{})
//	…
//	http.ListenAndServe(addr, cache.Handler(next))
//
// It is a shared cache as RFC 9111 describes it. While a stored response is
// fresh it is served from the store. When it is stale it is revalidated. When the
// handler answers with an error, panics, hangs, breaks off or can't reach what it
// stands in front of, the stale response is served, as far as stale-if-error (RFC
// 5861), disconnected operation (RFC 9111 §4.2.4) or the Policy allow.
//
// # Who calls the handler
//
// A response that may be stored is fetched once for all who ask for it. The fetch
// belongs to the cache: it runs on a goroutine of its own, with its own deadline, and a
// client that leaves or reads slowly harms nobody. Behind a router that recycles
// its per-request data, such as chi, see Config.Detach.
//
// Cookie, Authorization and client certificates are known to the cache as
// credentials. Identity that outer middleware puts elsewhere, into the request's
// context or a field of its own, is seen by the handler but not by the cache: it
// must be named in Policy.Key or Policy.Bypass.
//
// # What every answer tells
//
// Every response carries Cache-Status (RFC 9211), and Config.OnEvent is told the
// reason of every decision.
package holdover
