// SPDX-License-Identifier: MIT

package conformance

// updating is RFC 9111 §3.2 and §4.3.4: what a 304 does to the stored fields, and to
// which response.
var updating = []Case{
	updated("replaces-all-lines", Lines{"X-A: 1", "X-A: 2"}, Lines{"X-A: 3"}, Checks{Is("X-A", "3")}, "a field of the 304 replaces all lines of the stored one"),
	updated("adds", nil, Lines{"X-A: 1"}, Checks{Is("X-A", "1")}, "a field that wasn't stored is added"),
	notOver(Proxy, "the server of the origin sends no Content-Type with 304",
		updated("content-type", Lines{"Content-Type: text/plain"}, Lines{"Content-Type: text/csv"}, Checks{Is("Content-Type", "text/csv")}, "Content-Type is updated like other fields")),
	updated("content-location", Lines{"Content-Location: /a"}, Lines{"Content-Location: /b"}, Checks{Is("Content-Location", "/b")}, "Content-Location is updated"),
	updated("set-vary", nil, Lines{"Vary: X-A"}, Checks{Is("Vary", "X-A")}, "Vary is updated"),
	updated("content-encoding", nil, Lines{"Content-Encoding: gzip"}, Checks{No("Content-Encoding")}, "Content-Encoding isn't, as the stored bytes have none"),
	updated("content-range", nil, Lines{"Content-Range: bytes 0-1/10"}, Checks{No("Content-Range")}, "Content-Range isn't, as the stored bytes are all of them"),
	updated("connection", nil, Lines{"Connection: X-Hop", "X-Hop: 1", "X-End: 1"}, Checks{No("X-Hop"), Is("X-End", "1")}, "what isn't stored isn't taken over from a 304 either"),
	updated("connection-names-a-stored-field", Lines{"X-B: 1"}, Lines{"Connection: X-B", "X-B: hop"}, Checks{Is("X-B", "1")}, "a field of the 304 that ends at the next hop doesn't take the stored one with it"),
	updated("proxy", nil, Lines{"Proxy-Authenticate: Basic", "Proxy-Authentication-Info: a=b"}, Checks{No("Proxy-Authenticate"), No("Proxy-Authentication-Info")}, "nor are a proxy's own fields"),
	updated("date", Lines{"Date: {start-100s}"}, Lines{"Date: {start-5s}"}, Checks{Is("Date", "{start-5s}"), Between("Age", 5, 8)}, "Date is updated, and with it the age"),
	updated("expires", Lines{"Expires: {start-1h}"}, Lines{"Expires: {start+1h}"}, Checks{Is("Expires", "{start+1h}")}, "Expires is updated"),
	updated("last-modified", Lines{"Last-Modified: {start-2h}"}, Lines{"Last-Modified: {start-1h}"}, Checks{Is("Last-Modified", "{start-1h}")}, "Last-Modified is updated where the strong entity tag says that it is the same response"),
	{
		ID: "9111-3.2-content-length-stays", Cite: "RFC 9111 §3.2",
		Title: "Content-Length isn't updated, as the body doesn't change",
		Not:   map[Transport]string{HTTP1: "its server sends no Content-Length with 304", HTTP2: "the same", Proxy: "the same"},
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "Content-Length: 10"}}},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`, "Content-Length: 3"), Want: Want{By: Validated}},
			{Want: Want{By: Stored, Header: Checks{Is("Content-Length", "10")}}},
		},
	},
	{
		ID: "9111-3.2-directives-are-updated-too", Cite: "RFC 9111 §3.2, RFC 9111 §4.3.4",
		Title: "the Cache-Control of a 304 replaces the stored one: what it doesn't repeat no longer counts",
		Steps: []Step{
			{Origin: says("Cache-Control: s-maxage=10, must-revalidate", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Validated}},
			{Want: Want{By: Stored, Header: Checks{Is("Cache-Control", "max-age=60")}, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-5.2.2.5-no-store-in-304", Cite: "RFC 9111 §5.2.2.5, RFC 9111 §4.3.4",
		Title: "a 304 with no-store isn't stored: the response isn't reused with it as if it were fresh",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60, no-store", `Etag: "1"`), Want: Want{By: Validated}},
			{Want: Want{By: Anyone, Calls: "1", Status: 200}},
		},
	},
	{
		ID: "9111-4.3.4-old-lifetime-from-now", Cite: "RFC 9111 §4.3.4, RFC 9111 §4.2.3",
		Title: "after a 304 without a lifetime of its own the stored one counts again, from then on",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, `Etag: "1"`), Want: Want{By: Validated, Header: Checks{Between("Age", 0, 3)}}},
			{Want: Want{By: Stored, Of: 1, CacheStatus: "ttl=7..10"}},
		},
	},
	{
		ID: "9111-4.3.4-age-of-a-304", Cite: "RFC 9111 §4.3.4, RFC 9111 §4.2.3",
		Title: "a 304 of another cache is as old as its own Age says",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", "Age: 30", `Etag: "1"`), Want: Want{By: Validated, Header: Checks{Between("Age", 30, 33)}}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 30, 34)}}},
		},
	},
	{
		ID: "9111-3.2-private-field", Cite: "RFC 9111 §3.2, RFC 9111 §5.2.2.7",
		Title: "a field of the 304 that is private goes to who asked, and isn't stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(304, `Cache-Control: max-age=60, private="X-User"`, `Etag: "1"`, "X-User: a", "X-A: 1"), Want: Want{By: Validated}},
			{Want: Want{By: Stored, Header: Checks{No("X-User"), Is("X-A", "1")}}},
		},
	},
	{
		ID: "9111-4.3.4-foreign-strong-validator", Cite: "RFC 9111 §4.3.4",
		Title: "a 304 that names a strong validator which is stored nowhere updates nothing",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`, "X-A: old")},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "2"`, "X-A: new"), Want: Want{By: Anyone, Calls: "1-2"}},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9111-4.3.4-foreign-weak-validator", Cite: "RFC 9111 §4.3.4",
		Title: "nor does one that names another weak validator",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: W/"1"`, "X-A: old")},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: W/"2"`, "X-A: new"), Want: Want{By: Anyone, Calls: "1-2"}},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9111-4.3.4-foreign-date", Cite: "RFC 9111 §4.3.4",
		Title: "nor does one with another Last-Modified, where that is the only validator",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", "Last-Modified: {start-2h}", "X-A: old")},
			{Origin: saysStatus(304, "Cache-Control: max-age=60", "Last-Modified: {start-1h}", "X-A: new"), Want: Want{By: Anyone, Calls: "1-2"}},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9111-4.3.4-304-for-others-validator", Cite: "RFC 9111 §4.3.4, RFC 9111 §4.3.2",
		Title: "a 304 to a client's own validator doesn't make the stored response of another one fresh",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{
				Request: asks(`If-None-Match: "2"`), Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "2"`),
				Want: Want{By: Anyone, Calls: "1-2"},
			},
			{Want: Want{By: Anyone, Calls: "1", Status: 200, Of: 3}},
		},
	},
}

// updated is a stale response, a 304 with these fields, and what is given afterwards.
func updated(name string, stored, update Lines, then Checks, title string) Case {
	return Case{
		ID: "9111-3.2-" + name, Cite: "RFC 9111 §3.2, RFC 9111 §4.3.4", Title: title,
		Steps: []Step{
			{Origin: Answer{Header: append(Lines{"Cache-Control: max-age=10", "Age: 10", `Etag: "1"`}, stored...)}},
			{
				Origin: Answer{Status: 304, Header: append(Lines{"Cache-Control: max-age=60", `Etag: "1"`}, update...)},
				Want:   Want{By: Validated, Of: 1, Header: then},
			},
			{Want: Want{By: Stored, Of: 1, Header: then}},
		},
	}
}
