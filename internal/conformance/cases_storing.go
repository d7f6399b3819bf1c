// SPDX-License-Identifier: MIT

package conformance

// storing is RFC 9111 §3: what may be stored.
var storing = []Case{
	{
		ID: "9111-3-explicit-lifetime-is-stored", Cite: "RFC 9111 §3",
		Title: "a response with a lifetime is stored and answers the same request",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "X-A: 1"}}, Want: Want{CacheStatus: "fwd=uri-miss; stored", Header: Checks{No("Age")}}},
			{Want: Want{By: Stored, Header: Checks{Is("X-A", "1"), SameAs("Date", 1), SameAs("Content-Type", 1)}, CacheStatus: "ttl=57..60"}},
			{Request: Request{Target: "/other"}, Want: Want{CacheStatus: "fwd=uri-miss"}},
			{Request: Request{Target: "/?q"}, Want: Want{CacheStatus: "fwd=uri-miss"}},
		},
	},
	{
		ID: "9111-3-post-is-not-stored", Cite: "RFC 9111 §3, RFC 9110 §9.3.3",
		Title: "the answer to a POST doesn't answer a later one",
		Steps: []Step{
			{Request: Request{Method: "POST", Body: "a"}, Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Method: "POST", Body: "a"}},
		},
	},
	{
		ID: "9111-3-any-final-status-with-a-lifetime", Cite: "RFC 9111 §3",
		Title: "a status that the cache doesn't know is stored where the response gives a lifetime",
		Steps: []Step{
			{Origin: Answer{Status: 299, Header: Lines{"Cache-Control: max-age=60"}}},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-3.1-hop-by-hop-fields-are-not-stored", Cite: "RFC 9111 §3.1, RFC 9110 §7.6.1",
		Title: "Connection, the fields that it lists and the proxy's own are not stored",
		Steps: []Step{
			{Origin: Answer{Header: Lines{
				"Cache-Control: max-age=60", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "X-End: 1",
				"Proxy-Authenticate: Basic", "Proxy-Authentication-Info: a=b",
			}}},
			{Want: Want{By: Stored, Header: Checks{
				Is("X-End", "1"), No("X-Hop"), Lacks("Connection", "Hop"), No("Keep-Alive"), No("Proxy-Authenticate"), No("Proxy-Authentication-Info"),
			}}},
		},
	},
	{
		ID: "9111-3.5-authorization-is-not-shared", Cite: "RFC 9111 §3.5",
		Title: "the response to a request with Authorization isn't reused unless it allows that",
		Steps: []Step{
			{Request: Request{Header: Lines{"Authorization: Bearer a"}}, Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}},
			{Request: Request{Header: Lines{"Authorization: Bearer b"}}, Want: Want{Sees: Checks{Is("Authorization", "Bearer b")}}},
			{Want: Want{Sees: Checks{No("Authorization")}}},
		},
	},
	authorized("public", "public, max-age=60"),
	authorized("s-maxage", "s-maxage=60"),
	authorized("must-revalidate", "must-revalidate, max-age=60"),
	{
		ID: "9111-5.2.2.3-must-understand-outranks-no-store", Cite: "RFC 9111 §5.2.2.3",
		Title: "with must-understand, no-store doesn't count for a status that is understood",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60, no-store, must-understand"}}},
			{Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-5.2.2.3-must-understand-unknown-status", Cite: "RFC 9111 §5.2.2.3, RFC 9111 §3",
		Title: "with must-understand, a response of unknown status isn't stored",
		Steps: []Step{
			{Origin: Answer{Status: 299, Header: Lines{"Cache-Control: max-age=60, must-understand"}}},
			{},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-is-not-stored", Cite: "RFC 9111 §5.2.2.5",
		Title: "a response with no-store isn't reused, also not while a lifetime stands beside it",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60, No-Store", "Etag: \"1\""}}, Want: Want{CacheStatus: "!stored"}},
			{},
		},
	},
	{
		ID: "9111-5.2.2.7-private-is-not-stored", Cite: "RFC 9111 §5.2.2.7",
		Title: "a private response isn't stored by a shared cache",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: private", "Cache-Control: max-age=60", "Etag: \"1\""}}, Want: Want{CacheStatus: "!stored"}},
			{},
		},
	},
	{
		ID: "9111-7.3-set-cookie", Cite: "RFC 9111 §7.3",
		Title: "Set-Cookie doesn't forbid storing; the profile safe doesn't store it all the same",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Set-Cookie: a=1"}}, Want: Want{Header: Checks{Is("Set-Cookie", "a=1")}}},
			{
				Origin:  Answer{Header: Lines{"Set-Cookie: a=2"}},
				Want:    Want{Header: Checks{Is("Set-Cookie", "a=2")}},
				WantRFC: &Want{By: Stored, Header: Checks{Is("Set-Cookie", "a=1")}},
			},
		},
	},
}

// authorized is a directive that lets the response to a request with Authorization be
// reused for all.
func authorized(directive, control string) Case {
	return Case{
		ID: "9111-3.5-authorization-shared-with-" + directive, Cite: "RFC 9111 §3.5",
		Title: directive + " lets the response to a request with Authorization be reused",
		Steps: []Step{
			{Request: Request{Header: Lines{"Authorization: Bearer a"}}, Origin: Answer{Header: Lines{"Cache-Control: " + control}}},
			{Request: Request{Header: Lines{"Authorization: Bearer b"}}, Want: Want{By: Stored}},
			{Want: Want{By: Stored}},
		},
	}
}
