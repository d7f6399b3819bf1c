// SPDX-License-Identifier: MIT

package conformance

import "fmt"

// invalidation is RFC 9111 §4.4: what unsafe requests do to stored responses.
var invalidation = []Case{
	invalidated("put", "PUT", 204, true), invalidated("post", "POST", 200, true), invalidated("delete", "DELETE", 200, true),
	invalidated("patch", "PATCH", 200, true), invalidated("unknown-method", "FROB", 200, true),
	invalidated("created", "PUT", 201, true), invalidated("accepted", "DELETE", 202, true),
	invalidated("see-other", "POST", 303, true), invalidated("moved", "PUT", 301, true), invalidated("any-2xx", "POST", 299, true),
	invalidated("client-error", "PUT", 400, false), invalidated("not-found", "DELETE", 404, false), invalidated("conflict", "POST", 409, false),
	invalidated("server-error", "PUT", 500, false), invalidated("unavailable", "FROB", 503, false),
	invalidated("options", "OPTIONS", 200, false), invalidated("trace", "TRACE", 200, false),
	{
		ID: "9111-4.4-all-variants", Cite: "RFC 9111 §4.4",
		Title: "all stored responses of the target are invalidated, whatever selects them",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 2"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asksBy("POST", "/", "X-A: 3")},
			{Request: asks("X-A: 1"), Origin: says("Vary: X-A"), Want: Want{By: Anyone, Calls: "1", Of: 4, Status: 200}},
			{Request: asks("X-A: 2"), Origin: says("Vary: X-A"), Want: Want{By: Anyone, Calls: "1", Of: 5, Status: 200}},
		},
	},
	{
		ID: "9111-4.4-only-the-target", Cite: "RFC 9111 §4.4",
		Title: "other targets stay: another path, another query, another host",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a?x=1"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a/b"), Origin: says("Cache-Control: max-age=60")},
			{Request: Request{Target: "/a", Host: "example.org"}, Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("POST", "/a")},
			{Request: asksBy("GET", "/a?x=1"), Want: Want{By: Stored, Of: 2}},
			{Request: asksBy("GET", "/a/b"), Want: Want{By: Stored, Of: 3}},
			{Request: Request{Target: "/a", Host: "example.org"}, Want: Want{By: Stored, Of: 4}},
			{Request: asksBy("GET", "/a")},
		},
	},
	{
		ID: "9111-4.4-with-a-query", Cite: "RFC 9111 §4.4",
		Title: "the target of the unsafe request is its whole URI, with the query",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a?x=1"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("DELETE", "/a?x=1")},
			{Request: asksBy("GET", "/a"), Want: Want{By: Stored, Of: 1}},
			{Request: asksBy("GET", "/a?x=1")},
		},
	},
	{
		ID: "9111-4.4-whatever-its-directives", Cite: "RFC 9111 §4.4",
		Title: "it doesn't matter whether the unsafe request or its answer may be stored",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("PUT", "/", "Cache-Control: no-store", "Authorization: Bearer a"), Origin: says("Cache-Control: no-store, private")},
			{},
		},
	},
	{
		ID: "9111-4.4-invalid-is-not-stale", Cite: "RFC 9111 §4.4",
		Title: "an invalidated response is given to nobody unvalidated, not even without contact to the origin",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60, stale-if-error=60, stale-while-revalidate=60", "X-A: 1")},
			{Request: asksBy("DELETE", "/")},
			{Request: asks("Cache-Control: max-stale"), Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9111-4.4-stored-again", Cite: "RFC 9111 §4.4",
		Title: "what is stored after the unsafe request is reused again",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("PUT", "/")},
			{Origin: says("Cache-Control: max-age=60")},
			{Want: Want{By: Stored, Of: 3}},
		},
	},
	named("location", 201, "Location: /b", true, "the URI in Location is invalidated too"),
	named("content-location", 200, "Content-Location: /b", true, "and that in Content-Location"),
	named("absolute-location", 201, "Location: {base}/b", true, "it may be absolute"),
	named("relative-location", 201, "Location: b", true, "or relative to the target"),
	named("fragment", 303, "Location: /b#c", true, "or have a fragment, which is no part of the target"),
	named("location-of-an-error", 409, "Location: /b", false, "but not where the unsafe request failed"),
	named("location-of-another-path", 201, "Location: /c", false, "nor is any other URI invalidated"),
	named("location-of-another-host", 201, "Location: //example.org/b", false, "a URI of another origin isn't this one's, though its path is the same"),
	named("location-of-another-port", 201, "Location: //example.com:8081/b", false, "nor is one of another port"),
	foreign("location", "Location: //example.org/b"), foreign("content-location", "Content-Location: //example.org/b"),
	{
		ID: "9111-4.4-location-of-a-safe-request", Cite: "RFC 9111 §4.4",
		Title: "the Location of a safe request's answer invalidates nothing",
		Steps: []Step{
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("GET", "/a"), Origin: saysStatus(302, "Location: /b")},
			{Request: asksBy("HEAD", "/c"), Origin: says("Content-Location: /b")},
			{Request: asksBy("OPTIONS", "/d"), Origin: saysStatus(307, "Location: /b")},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored, Of: 1}},
		},
	},
}

// invalidated is a method and a status that invalidate the stored GET, or don't.
func invalidated(name, method string, status int, gone bool) Case {
	c := Case{
		ID: "9111-4.4-" + name, Cite: "RFC 9111 §4.4, RFC 9110 §9.2.1",
		Title: fmt.Sprintf("%s with %d leaves the stored response", method, status),
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: asksBy(method, "/"), Origin: saysStatus(status)},
			{Want: Want{By: Stored, Of: 1}},
		},
	}
	if gone {
		c.Title = fmt.Sprintf("%s with %d invalidates the stored response", method, status)
		c.Steps[2].Want = Want{By: Anyone, Calls: "1", Of: 3, Status: 200}
	}
	return c
}

// named is what the answer to POST of /a names, and whether /b is invalidated by it.
func named(name string, status int, line string, gone bool, title string) Case {
	c := Case{
		ID: "9111-4.4-names-" + name, Cite: "RFC 9111 §4.4", Title: title,
		Steps: []Step{
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("POST", "/a"), Origin: saysStatus(status, line)},
			{Request: asksBy("GET", "/b"), Want: Want{By: Stored, Of: 1}},
		},
	}
	if gone {
		c.Steps[2].Want = Want{}
	}
	return c
}

// foreign is a field that names a URI of another origin, which is stored here as well.
func foreign(name, line string) Case {
	return Case{
		ID: "9111-4.4-foreign-" + name, Cite: "RFC 9111 §4.4",
		Title: "one origin can't invalidate what another one has stored here",
		Steps: []Step{
			{Request: Request{Target: "/b", Host: "example.org"}, Origin: says("Cache-Control: max-age=60")},
			{Request: asksBy("POST", "/a"), Origin: saysStatus(201, line)},
			{Request: Request{Target: "/b", Host: "example.org"}, Want: Want{By: Stored, Of: 1}},
		},
	}
}
