// SPDX-License-Identifier: MIT

package conformance

import "time"

// storedFields is RFC 9111 §3.1: which fields of a response are stored.
var storedFields = []Case{
	{
		ID: "9111-3.1-all-fields-are-stored", Cite: "RFC 9111 §3.1",
		Title: "all fields are stored with all their lines, known or not",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "X-A: 1", "X-A: 2, 3", "X-Empty:", "Content-Language: de", "Content-Location: /x", "Link: </a>", "Retry-After: 5",
				"Server: s", "Warning: 199 - a", `Www-Authenticate: Basic realm="a, b"`, "Access-Control-Allow-Origin: *", "Expires: {start-1h}")},
			{Want: Want{By: Stored, Header: Checks{
				Is("X-A", "1, 2, 3"), Is("X-Empty", ""), Is("Content-Language", "de"), Is("Content-Location", "/x"), Is("Link", "</a>"), Is("Retry-After", "5"), Is("Server", "s"),
				Is("Warning", "199 - a"), Is("Www-Authenticate", `Basic realm="a, b"`), Is("Access-Control-Allow-Origin", "*"), Is("Expires", "{start-1h}"), Is("Cache-Control", "max-age=60"),
			}}},
		},
	},
	{
		ID: "9111-3.1-several-connection-options", Cite: "RFC 9111 §3.1, RFC 9110 §7.6.1",
		Title: "every option of every line of Connection is a field that isn't stored, in any case",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Connection: x-one , ,X-TWO", "Connection: X-Three", "X-One: 1", "X-Two: 2", "X-Three: 3", "X-Four: 4")},
			{Want: Want{By: Stored, Header: Checks{No("X-One"), No("X-Two"), No("X-Three"), Is("X-Four", "4")}}},
		},
	},
	{
		ID: "9111-3.1-connection-does-not-take-what-a-cache-needs", Cite: "RFC 9111 §3.1, RFC 9110 §7.6.1",
		Title: "a response whose Connection lists Cache-Control is still bound by it",
		Not:   map[Transport]string{Proxy: "the reverse proxy takes what Connection lists before the cache sees it"},
		Steps: []Step{
			{Origin: says("Cache-Control: private, max-age=60", "Connection: Cache-Control", "Expires: {now+1h}")},
			{},
		},
	},
	{
		ID: "9111-3.1-transport-fields", Cite: "RFC 9111 §3.1, RFC 9110 §7.6.1",
		Title: "fields that end at the next hop aren't stored, though no Connection lists them",
		Not:   map[Transport]string{HTTP2: "its server refuses such fields"},
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Te: trailers", "Upgrade: foo/1", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic x", "X-End: 1")},
			{Want: Want{By: Stored, Header: Checks{No("Te"), No("Upgrade"), No("Proxy-Connection"), No("Proxy-Authorization"), Is("X-End", "1")}}},
		},
	},
	{
		ID: "9111-3.1-trailers-are-not-announced", Cite: "RFC 9111 §3.1, RFC 9110 §6.6.2",
		Title: "a stored response whose trailers were discarded announces none, and has none in its header",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}, Trailer: Lines{"X-Sum: 42", "Etag: \"t\"", "Cache-Control: no-store"}, Chunks: true}},
			{Want: Want{By: Stored, Header: Checks{No("Trailer"), No("X-Sum"), No("Etag"), Is("Cache-Control", "max-age=60")}}},
		},
	},
	{
		ID: "9111-3.1-a-name-that-is-none", Cite: "RFC 9111 §3.1, RFC 9110 §5.1",
		Title: "a line whose name isn't a token is no field, so it is neither stored nor does it spoil the rest",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "X Y: 1", "X-A: 1")},
			{Want: Want{By: Stored, Header: Checks{Is("X-A", "1"), No("X Y"), No("X y")}}},
		},
	},
	{
		ID: "9111-3.1-date-is-kept", Cite: "RFC 9111 §3.1, RFC 9110 §6.6.1",
		Title: "Date is when the response was made: it is stored, or where it is missing set when it was received",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60", "Date: {start-20s}")},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Header: Checks{Is("Date", "{start-20s}")}}},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60"), Pass: 1200 * time.Millisecond},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored, Header: Checks{SameAs("Date", 3)}}},
		},
	},
	{
		ID: "9111-5.2.2.7-private-fields", Cite: "RFC 9111 §5.2.2.7, RFC 9111 §3.1",
		Title: "fields that private names aren't stored; the rest may be",
		Steps: []Step{
			{
				Origin: says(`Cache-Control: max-age=60, private="X-User, x-TOKEN"`, "X-User: a", "X-Token: b", "X-Token: c", "X-A: 1"),
				Want:   Want{Header: Checks{Is("X-User", "a"), Is("X-Token", "b, c")}},
			},
			{Want: Want{By: Stored, Header: Checks{No("X-User"), No("X-Token"), Is("X-A", "1"), Contains("Cache-Control", "private=")}}},
		},
	},
	{
		ID: "9111-5.2.2.7-private-fields-as-a-token", Cite: "RFC 9111 §5.2.2.7, RFC 9111 §5.2",
		Title: "the field that private names without quotes isn't stored either",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, private=X-User", "X-User: a")},
			{Want: Want{By: Anyone, Status: 200, Header: Checks{No("X-User")}}},
		},
	},
	{
		ID: "9111-5.2.2.7-private-beside-qualified-private", Cite: "RFC 9111 §5.2.2.7, RFC 9111 §4.2.1",
		Title: "private without fields beside private with fields counts for the whole",
		Steps: []Step{
			{Origin: says(`Cache-Control: max-age=60, private="X-User", private`, "X-User: a")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.4-no-cache-fields", Cite: "RFC 9111 §5.2.2.4, RFC 9111 §3.1",
		Title: "fields that no-cache names are left out of what is reused without validation",
		Steps: []Step{
			{Origin: says(`Cache-Control: max-age=60, no-cache="x-user"`, "X-User: a", "X-A: 1"), Want: Want{Header: Checks{Is("X-User", "a")}}},
			{Want: Want{By: Stored, Header: Checks{No("X-User"), Is("X-A", "1")}}},
		},
	},
	{
		ID: "9111-5.2.2.4-no-cache-beside-qualified-no-cache", Cite: "RFC 9111 §5.2.2.4, RFC 9111 §4.2.1",
		Title: "no-cache without fields beside no-cache with fields counts for the whole",
		Steps: []Step{
			{Origin: says(`Cache-Control: max-age=60, no-cache="X-User"`, "Cache-Control: no-cache", "X-User: a")},
			{},
		},
	},
	{
		ID: "9111-5.2.2.4-set-cookie-as-no-cache-field", Cite: "RFC 9111 §5.2.2.4, RFC 9111 §7.3",
		Title: "the cookie that no-cache names is never given to a second client",
		Steps: []Step{
			{Origin: says(`Cache-Control: max-age=60, no-cache="Set-Cookie"`, "Set-Cookie: a=1"), Want: Want{Header: Checks{Is("Set-Cookie", "a=1")}}},
			{Want: Want{By: Anyone, Status: 200, Header: Checks{No("Set-Cookie")}}},
		},
	},
	{
		ID: "9111-5.2-directives-pass", Cite: "RFC 9111 §5.2",
		Title: "all directives of request and response are passed on, known or not",
		Steps: []Step{
			{
				Request: asks("Cache-Control: max-age=0, foo=bar, min-fresh=x"),
				Origin:  says(`Cache-Control: max-age=60, foo="a, b", no-transform, immutable`),
				Want: Want{
					Sees:   Checks{Is("Cache-Control", "max-age=0, foo=bar, min-fresh=x")},
					Header: Checks{Is("Cache-Control", `max-age=60, foo="a, b", no-transform, immutable`)},
				},
			},
			{Want: Want{By: Stored, Header: Checks{Is("Cache-Control", `max-age=60, foo="a, b", no-transform, immutable`)}}},
		},
	},
	{
		ID: "9111-7.3-set-cookie-of-a-validation", Cite: "RFC 9111 §7.3",
		Title: "safe gives the cookie of a 304 to nobody later; rfc stores it like other fields",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "Set-Cookie: a=1"), Want: Want{By: Anyone, Calls: "1", Status: 200, Header: Checks{Is("Set-Cookie", "a=1")}}},
			{Want: Want{By: Anyone, Status: 200, Header: Checks{No("Set-Cookie")}}, WantRFC: &Want{By: Stored, Header: Checks{Is("Set-Cookie", "a=1")}}},
		},
	},
}
