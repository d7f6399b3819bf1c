// SPDX-License-Identifier: MIT

package conformance

import (
	"io"
	"net/http"
	"time"
)

// collapsing is RFC 9111 §4 on requests for the same that come together: one is forwarded
// for all of them, if what comes may be given to all of them.
var collapsing = []Case{
	apart("private", "RFC 9111 §4, RFC 9111 §5.2.2.7", says("Cache-Control: private, max-age=60")),
	apart("no-store", "RFC 9111 §4, RFC 9111 §5.2.2.5", says("Cache-Control: no-store")),
	apart("vary-star", "RFC 9111 §4, RFC 9111 §4.1", says("Cache-Control: max-age=60", "Vary: *")),
	{
		ID: "9111-4-not-collapsed-with-no-cache", Cite: "RFC 9111 §4, RFC 9111 §5.2.2.4",
		Title: "an answer with no-cache may be stored, but is given to nobody for whom the origin wasn't asked",
		Steps: []Step{
			{
				Also:   []Other{{Request: Request{Joins: true, Times: 3}, Want: Want{By: Anyone, Status: 200, CacheStatus: "!hit; !collapsed"}}},
				Origin: Answer{Header: Lines{"Cache-Control: no-cache, max-age=60", `Etag: "1"`}, Delay: 300 * time.Millisecond},
				Want:   Want{By: Anyone, Calls: "4", Status: 200},
			},
		},
	},
	{
		ID: "9111-4-collapsed-by-what-vary-names", Cite: "RFC 9111 §4, RFC 9111 §4.1",
		Title: "of requests that come together, each gets the representation that it selects, one call of the origin for each of them",
		Steps: []Step{
			{
				Request: asks("Accept-Language: en"),
				Also: []Other{
					{Request: Request{Header: Lines{"Accept-Language: de"}, Joins: true, Times: 4}},
					{Request: Request{Header: Lines{"Accept-Language: en"}, Joins: true, Times: 3}, Want: Want{CacheStatus: "collapsed"}},
				},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Vary: Accept-Language"}, Delay: 700 * time.Millisecond},
				Want:   Want{Calls: "2"},
			},
			{Request: asks("Accept-Language: en"), Want: Want{By: Stored}},
			{Request: asks("Accept-Language: de"), Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4-collapsed-with-one-who-leaves", Cite: "RFC 9111 §4",
		Title: "when the client whose request was forwarded is gone, those who joined it get their answer all the same",
		Steps: []Step{
			{
				Request: Request{Leaves: 200 * time.Millisecond},
				Also:    []Other{{Request: Request{Joins: true, Times: 3}}},
				Origin:  Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 700 * time.Millisecond},
				Want:    Want{Calls: "1-2"},
			},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4-one-who-joined-leaves", Cite: "RFC 9111 §4",
		Title: "one who joined and is gone disturbs nobody",
		Steps: []Step{
			{
				Also: []Other{
					{Request: Request{Joins: true, Leaves: 200 * time.Millisecond}},
					{Request: Request{Joins: true}},
				},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 700 * time.Millisecond},
			},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-4-not-collapsed-with-another-uri", Cite: "RFC 9111 §4, RFC 9111 §2",
		Title: "requests for other queries, or of other hosts, get answers of their own",
		Steps: []Step{
			{
				Request: asksBy("GET", "/?a"),
				Also: []Other{
					{Request: Request{Target: "/?b", Joins: true}},
					{Request: Request{Target: "/", Joins: true}},
					{Request: Request{Target: "/?a", Host: "other.example", Joins: true}},
				},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 300 * time.Millisecond},
				Want:   Want{Calls: "4"},
			},
		},
	},
	{
		ID: "9111-4-not-collapsed-with-a-cookie-that-is-set", Cite: "RFC 9111 §4, RFC 9111 §7.3", For: Safe,
		Title: "in the profile safe a cookie is set for the one who made the request, not for those who came together with it",
		Steps: []Step{
			{
				Request: asks("Cookie: a"),
				Also:    []Other{{Request: Request{Header: Lines{"Cookie: b"}, Joins: true}, Want: Want{Status: 200, Body: "for b"}}},
				Origin: Answer{Delay: 300 * time.Millisecond, Serve: func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Set-Cookie", "id="+r.Header.Get("Cookie"))
					personal("Cookie")(w, r)
				}},
				Want: Want{Calls: "2", Status: 200, Body: "for a", Header: Checks{Is("Set-Cookie", "id=a")}},
			},
		},
	},
	{
		ID: "9111-4-post-is-not-collapsed", Cite: "RFC 9111 §4, RFC 9110 §9.2.1",
		Title: "unsafe requests are all forwarded, however alike they are",
		Steps: []Step{
			{
				Request: Request{Method: "POST", Body: "x"},
				Also:    []Other{{Request: Request{Method: "POST", Body: "x", Joins: true, Times: 3}}},
				Origin:  Answer{Header: Lines{"Cache-Control: max-age=60", "Content-Location: /"}, Delay: 300 * time.Millisecond},
				Want:    Want{Calls: "4"},
			},
		},
	},
	{
		ID: "9111-4-own-range-and-condition-of-one-who-joined", Cite: "RFC 9111 §4, RFC 9110 §13.2.1, RFC 9110 §14.2",
		Title: "who joins with a range or a condition gets what that makes of the answer",
		Steps: []Step{
			{
				Also: []Other{
					{Request: Request{Header: Lines{"Range: bytes=2-4"}, Joins: true}, Want: Want{By: Anyone, Status: 206, Body: "234"}},
					{Request: Request{Header: Lines{`If-None-Match: "1"`}, Joins: true}, Want: Want{By: Anyone, Status: 304}},
					{Request: Request{Method: "HEAD", Joins: true}, Want: Want{By: Anyone, Status: 200, Empty: true}},
				},
				Origin: Answer{Serve: content(digits, `"1"`, "max-age=60").Serve, Delay: 500 * time.Millisecond},
				Want:   Want{By: Anyone, Calls: "1-4", Status: 200, Body: digits},
			},
			{Want: Want{By: Stored, Of: 1, Status: 200, Body: digits}},
		},
	},
	{
		ID: "9111-4-joined-while-the-body-comes", Cite: "RFC 9111 §4",
		Title: "who comes when half of the body is there gets all of it",
		Steps: []Step{
			{
				Also:   []Other{{Request: Request{Joins: true, Times: 3, After: 300 * time.Millisecond}, Want: Want{By: Anyone, Of: 1, Status: 200}}},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Pause: 700 * time.Millisecond},
			},
		},
	},
	{
		ID: "9111-4-nobody-gets-half", Cite: "RFC 9111 §4, RFC 9112 §8",
		Title: "when the body that many wait for breaks off, none of them takes what came for the whole",
		Steps: []Step{
			{
				Also:   []Other{{Request: Request{Joins: true, Times: 3}, Want: Want{Broken: true}}},
				Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Delay: 300 * time.Millisecond, Fail: Aborts, After: 7},
				Want:   Want{Broken: true, Calls: "1-4"},
			},
			{},
		},
	},
}

// apart is an answer that can't be given to those who asked for the same meanwhile.
func apart(name, cite string, a Answer) Case {
	a.Delay = 300 * time.Millisecond
	return Case{
		ID: "9111-4-not-collapsed-with-" + name, Cite: cite,
		Title: "an answer that mustn't be reused isn't given to those who came together with its request either",
		Steps: []Step{
			{
				Also:   []Other{{Request: Request{Joins: true, Times: 3}, Want: Want{CacheStatus: "!hit"}}},
				Origin: a,
				Want:   Want{Calls: "4"},
			},
		},
	}
}

// personal is an origin that tells by the body for whom it is.
func personal(field string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "for "+r.Header.Get(field))
	}
}
