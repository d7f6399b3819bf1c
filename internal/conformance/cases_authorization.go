// SPDX-License-Identifier: MIT

package conformance

import "time"

// authorization is RFC 9111 §3.5: responses to requests with credentials.
var authorization = []Case{
	notShared("max-age", "max-age=60"),
	notShared("proxy-revalidate", "max-age=60, proxy-revalidate"),
	notShared("immutable", "max-age=60, immutable"),
	notShared("no-transform", "max-age=60, no-transform"),
	notShared("public-as-a-value", `max-age=60, foo="public"`),
	{
		ID: "9111-3.5-not-even-for-the-same", Cite: "RFC 9111 §3.5",
		Title: "what isn't shared isn't given to the same user again either, whose credentials the key doesn't hold",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{Request: asks("Authorization: Bearer a")},
		},
	},
	{
		ID: "9111-3.5-stored-without-credentials", Cite: "RFC 9111 §3.5",
		Title: "a response to a request without Authorization isn't restricted: it answers requests with one",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Authorization: Bearer a"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-3.5-must-revalidate-until-stale", Cite: "RFC 9111 §3.5, RFC 9111 §5.2.2.2",
		Title: "what must-revalidate let be shared is validated for each user when it is stale",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: says("Cache-Control: max-age=1, must-revalidate", `Etag: "1"`), Pass: 1200 * time.Millisecond},
			{
				Request: asks("Authorization: Bearer b"), Origin: saysStatus(304, "Cache-Control: max-age=60, must-revalidate", `Etag: "1"`),
				Want: Want{By: Anyone, Calls: "1", Sees: Checks{Is("Authorization", "Bearer b")}},
			},
		},
	},
	{
		ID: "9111-3.5-denial-of-one-user", Cite: "RFC 9111 §3.5",
		Title: "nor is a denial shared that a request with Authorization got",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: saysStatus(403, "Cache-Control: max-age=60")},
			{Request: asks("Authorization: Bearer b")},
			{},
		},
	},
	{
		ID: "9111-3.5-collapsed-requests", Cite: "RFC 9111 §3.5, RFC 9111 §4",
		Title: "requests with different credentials aren't collapsed into one answer",
		Steps: []Step{
			{
				Request: asks("Authorization: Bearer a"),
				Also:    []Other{{Request: Request{Header: Lines{"Authorization: Bearer b"}, Joins: true}, Want: Want{Body: "for Bearer b"}}},
				Origin:  Answer{Serve: echoAuthorization, Delay: time.Second},
				Want:    Want{Calls: "2", Body: "for Bearer a"},
			},
		},
	},
}

// notShared is a directive that doesn't lift the rule.
func notShared(name, control string) Case {
	return Case{
		ID: "9111-3.5-not-shared-with-" + name, Cite: "RFC 9111 §3.5",
		Title: name + " alone doesn't let the response to a request with Authorization be reused",
		Steps: []Step{
			{Request: asks("Authorization: Bearer a"), Origin: says("Cache-Control: " + control)},
			{Request: asks("Authorization: Bearer b")},
			{},
		},
	}
}
