// SPDX-License-Identifier: MIT

package conformance

import "strings"

// cacheStatus is RFC 9211: what the cache says of what it did.
var cacheStatus = []Case{
	{
		ID: "9211-2.2-vary-miss", Cite: "RFC 9211 §2.2",
		Title: "vary-miss: there are responses for the URI, but none that Vary lets the request have",
		Steps: []Step{
			{Request: asks("Accept-Language: en"), Origin: says("Cache-Control: max-age=60", "Vary: Accept-Language"), Want: Want{CacheStatus: "fwd=uri-miss; stored"}},
			{Request: asks("Accept-Language: de"), Origin: says("Cache-Control: max-age=60", "Vary: Accept-Language"), Want: Want{CacheStatus: "fwd=vary-miss; stored"}},
		},
	},
	{
		ID: "9211-2.2-request", Cite: "RFC 9211 §2.2",
		Title: "request: there is a fresh response, but the request's directives forbid its use",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: no-cache"), Origin: says("Cache-Control: max-age=60", "Age: 20", `Etag: "1"`), Want: Want{By: Validated, CacheStatus: "fwd=request"}},
			{Request: asks("Cache-Control: max-age=10"), Origin: says("Cache-Control: max-age=60", "Age: 20", `Etag: "1"`), Want: Want{By: Validated, CacheStatus: "fwd=request"}},
		},
	},
	{
		ID: "9211-2.2-request-of-what-is-not-there", Cite: "RFC 9211 §2.2",
		Title: "where nothing is stored, directives of the request aren't why it is forwarded",
		Steps: []Step{
			{Request: asks("Cache-Control: no-cache"), Want: Want{CacheStatus: "fwd=uri-miss"}},
		},
	},
	{
		ID: "9211-2.2-method", Cite: "RFC 9211 §2.2",
		Title: "method: the request's method has to be forwarded",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Method: "POST", Body: "a"}, Want: Want{CacheStatus: "fwd=method; !stored"}},
			{Request: asksBy("OPTIONS", "/"), Want: Want{CacheStatus: "fwd=method; !stored"}},
			{Request: asksBy("BREW", "/"), Want: Want{CacheStatus: "fwd=method; !stored"}},
		},
	},
	{
		ID: "9211-2.2-bypass", Cite: "RFC 9211 §2.2",
		Title: "bypass: the cache is not there for such requests, as for a stream of events",
		Steps: []Step{
			{Request: asks("Accept: text/event-stream"), Origin: says("Cache-Control: max-age=60"), Want: Want{CacheStatus: "fwd=bypass; !stored"}},
			{Want: Want{CacheStatus: "fwd=uri-miss"}},
		},
	},
	{
		ID: "9211-2.2-partial", Cite: "RFC 9211 §2.2",
		Title: "partial: there is a part, but not all that is asked for; where there is no part, it is another miss",
		Steps: []Step{
			{
				Request: asks("Range: bytes=0-4"),
				Origin:  Answer{Status: 206, Body: "01234", Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`, "Content-Range: bytes 0-4/10"}},
				Want:    Want{By: Anyone, Status: 206, Body: "01234", CacheStatus: "fwd=uri-miss"},
			},
			{Request: asks("Range: bytes=3-9"), Origin: content(digits, `"1"`, "max-age=60"), Want: Want{By: Anyone, Status: 206, Body: "3456789", CacheStatus: "!hit; fwd=partial"}},
		},
	},
	{
		ID: "9211-2.2-stale-without-a-validator", Cite: "RFC 9211 §2.2",
		Title: "stale: there was a response, but a stale one, whether or not it could be validated",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20")},
			{Origin: says("Cache-Control: max-age=10"), Want: Want{CacheStatus: "fwd=stale; stored"}},
		},
	},
	{
		ID: "9211-2.3-fwd-status-of-what-was-not-passed-on", Cite: "RFC 9211 §2.3",
		Title: "fwd-status is what the origin answered, where the client gets another status",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{
				Request: asks(`If-None-Match: "2"`), Origin: says("Cache-Control: max-age=60", `Etag: "2"`),
				Want: Want{By: Validated, Status: 304, CacheStatus: "fwd=stale; fwd-status=200; stored"},
			},
		},
	},
	{
		ID: "9211-2.4-ttl-falls-and-turns-negative", Cite: "RFC 9211 §2.4",
		Title: "ttl is what is left of the lifetime, negative when it is over",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 4")},
			{Want: Want{By: Stored, CacheStatus: "ttl=3..6"}},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=10, stale-while-revalidate=600", "Age: 40")},
			{Request: asksBy("GET", "/b"), Origin: Answer{Fail: Unreachable}, Want: Want{By: Stale, CacheStatus: "ttl=-33..-30"}},
		},
	},
	{
		ID: "9211-2.5-stored-only-if-it-is", Cite: "RFC 9211 §2.5",
		Title: "stored is only said of what was stored",
		Steps: []Step{
			{Origin: says("Cache-Control: no-store"), Want: Want{CacheStatus: "!stored"}},
			{Request: asksBy("GET", "/b"), Origin: saysStatus(500), Want: Want{CacheStatus: "!stored"}},
			{Request: asksBy("HEAD", "/c"), Origin: says("Cache-Control: max-age=60"), Want: Want{CacheStatus: "!stored"}},
			{Request: asksBy("GET", "/d", "Cache-Control: no-store"), Origin: says("Cache-Control: max-age=60"), Want: Want{CacheStatus: "!stored"}},
			{Request: asksBy("GET", "/e"), Origin: says("Cache-Control: max-age=60"), Want: Want{CacheStatus: "stored"}},
		},
	},
	{
		ID: "9211-2.1-hit-of-a-condition-and-a-range", Cite: "RFC 9211 §2.1, RFC 9211 §2",
		Title: "304, 206 and 416 that are made from a stored response are hits, and say so",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Request: asks(`If-None-Match: "1"`), Want: Want{By: Stored, Status: 304, CacheStatus: "hit; !stored; !fwd-status"}},
			{Request: asks("Range: bytes=0-1"), Want: Want{By: Stored, Status: 206, Body: "01", CacheStatus: "hit; !stored"}},
			{Request: asks("Range: bytes=20-"), Want: Want{By: Stored, Status: 416, Empty: true, CacheStatus: "hit"}},
			{Request: Request{Method: "HEAD"}, Want: Want{By: Stored, CacheStatus: "hit"}},
		},
	},
	{
		ID: "9211-2-members-of-caches-nearer-to-the-origin", Cite: "RFC 9211 §2",
		Title: "the member of a cache comes behind those of caches nearer to the origin, which stay as they are",
		Steps: []Step{
			{
				Origin: says("Cache-Control: max-age=60", `Cache-Status: OriginCache; hit; ttl=1100, "CDN, \"Company\""; fwd=uri-miss`),
				Want:   Want{Header: Checks{ours(`OriginCache; hit; ttl=1100, "CDN, \"Company\""; fwd=uri-miss, `)}},
			},
		},
	},
	{
		ID: "9211-2-one-member-for-one-cache", Cite: "RFC 9211 §2",
		Title: "what is stored isn't taken for news: a hit, and one behind a validation, has one member of this cache",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "Cache-Status: OriginCache; fwd=stale"), Want: Want{By: Validated, Status: 200}},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Lacks("Cache-Status", "fwd-status"), Lacks("Cache-Status", "stored")}}},
		},
	},
	{
		ID: "9211-2-several-lines", Cite: "RFC 9211 §2, RFC 9110 §5.3",
		Title: "the field is one list, over however many lines it comes",
		Steps: []Step{
			{
				Origin: says("Cache-Control: no-store", "Cache-Status: A; fwd=miss", "Cache-Status: B; fwd=miss"),
				Want:   Want{Header: Checks{ours("A; fwd=miss, B; fwd=miss, ")}},
			},
		},
	},
}

// ours expects that a list of members ends with one that wasn't there.
func ours(before string) Check {
	return Check{"Cache-Status", func(values []string, _ moment) (string, bool) {
		all := joined(values)
		rest, found := strings.CutPrefix(all, before)
		return before + "and one member more", found && len(split(rest, ',')) == 1
	}}
}
