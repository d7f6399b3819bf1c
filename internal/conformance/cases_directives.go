// SPDX-License-Identifier: MIT

package conformance

import "strings"

// directives is RFC 9111 §5.2.1, what requests wish, with §5.4.
var directives = []Case{
	wish("5.2.1.1", "max-age-enough", "max-age=40", true, "a response no older than the client accepts is given"),
	wish("5.2.1.1", "max-age-exceeded", "max-age=10", false, "an older one is not"),
	wish("5.2.1.1", "max-age-zero", "max-age=0", false, "with zero, none that has an age"),
	wish("5.2.1.1", "max-age-in-capitals", "MAX-AGE=10", false, "directives have no case"),
	wish("5.2.1.1", "max-age-quoted", `max-age="10"`, false, "the quoted form of an argument is accepted"),
	wish("5.2.1.1", "max-age-large", "max-age=99999999999999999999", true, "a bound beyond all numbers is none"),
	wish("5.2.1.1", "max-age-bad", "max-age=abc", true, "a wish that can't be read is none"),
	wish("5.2.1.3", "min-fresh-enough", "min-fresh=10", true, "a response that stays fresh as long as the client wants is given"),
	wish("5.2.1.3", "min-fresh-not-enough", "min-fresh=50", false, "one that won't is not"),
	wish("5.2.1.3", "min-fresh-beyond-its-lifetime", "min-fresh=1000", false, "nor one whose whole lifetime is shorter"),
	wish("5.2.1.3", "min-fresh-zero", "min-fresh=0", true, "fresh for zero seconds is fresh"),
	wish("5.2.1.4", "no-cache-in-capitals", "No-Cache", false, "no-cache is read in any case of its letters"),
	wish("5.2.1.4", "no-cache-among-others", "foo=1, max-age=100, no-cache, bar", false, "wherever it stands"),
	wish("5.2.1.4", "no-cache-behind-garbage", `=, foo="a", ;;, no-cache`, false, "also behind what can't be read"),
	wish("5.2.1.6", "no-transform", "no-transform", true, "no-transform doesn't keep a stored response back"),
	wish("5.2.3", "unknown", `foo, bar="no-cache, max-age=0", baz=1`, true, "unknown directives and what stands in their quotes mean nothing"),
	wish("5.2.3", "of-responses", "must-revalidate, s-maxage=0, private, public", true, "directives of responses mean nothing in a request"),
	wish("5.2", "two-lines", "foo|no-cache", false, "directives on several lines count as if they stood in one"),
	{
		ID: "9111-5.2.1.1-max-age-and-stale", Cite: "RFC 9111 §5.2.1.1",
		Title: "a max-age that is greater than the response's age doesn't make a stale response do",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: max-age=1000"), Origin: says(`Etag: "2"`), Want: Want{By: Validated, Of: 2}},
		},
	},
	{
		ID: "9111-5.2.1.1-max-age-freshens", Cite: "RFC 9111 §5.2.1.1, RFC 9111 §4.3.4",
		Title: "what one client had validated is younger for all",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Age: 30", `Etag: "1"`)},
			{Request: asks("Cache-Control: max-age=0"), Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`), Want: Want{By: Validated, Of: 1}},
			{Request: asks("Cache-Control: max-age=10"), Want: Want{By: Stored, Of: 1, Header: Checks{Between("Age", 0, 4)}}},
		},
	},
	{
		ID: "9111-5.2.1.4-no-cache-validates", Cite: "RFC 9111 §5.2.1.4",
		Title: "no-cache validates a fresh response, and passes itself on",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", `Etag: "1"`)},
			{
				Request: asks("Cache-Control: no-cache"), Origin: saysStatus(304, "Cache-Control: max-age=60", `Etag: "1"`),
				Want: Want{By: Validated, Of: 1, Sees: Checks{Is("If-None-Match", `"1"`), Is("Cache-Control", "no-cache")}, CacheStatus: "fwd=request; fwd-status=304"},
			},
		},
	},
	{
		ID: "9111-5.2.1.4-no-cache-replaces", Cite: "RFC 9111 §5.2.1.4, RFC 9111 §4.3.3",
		Title: "the newer response that no-cache brought is what others get",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Cache-Control: no-cache"), Origin: says("Cache-Control: max-age=60")},
			{Want: Want{By: Stored, Of: 2}},
		},
	},
	{
		ID: "9111-5.2.1.4-no-cache-without-contact", Cite: "RFC 9111 §5.2.1.4",
		Title: "no-cache isn't answered unvalidated when the origin can't be reached either",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "X-A: 1")},
			{Request: asks("Cache-Control: no-cache"), Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502, Header: Checks{No("X-A")}}},
		},
	},
	{
		ID: "9111-5.2.1.7-only-if-cached-and-stale", Cite: "RFC 9111 §5.2.1.7",
		Title: "only-if-cached gets nothing stale, but 504",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 20", `Etag: "1"`)},
			{Request: asks("Cache-Control: only-if-cached"), Want: Want{By: Own, Status: 504, Header: Checks{No("Etag")}}},
			{Request: asks("Cache-Control: only-if-cached, max-stale=100"), Want: Want{By: Stale, Of: 1, Calls: "0"}},
		},
	},
	{
		ID: "9111-5.2.1.7-only-if-cached-and-other-wishes", Cite: "RFC 9111 §5.2.1.7",
		Title: "nor what the request's other directives refuse",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Age: 30", `Etag: "1"`)},
			{Request: asks("Cache-Control: only-if-cached, max-age=10"), Want: Want{By: Own, Status: 504}},
			{Request: asks("Cache-Control: only-if-cached, min-fresh=50"), Want: Want{By: Own, Status: 504}},
			{Request: asks("Cache-Control: only-if-cached, no-cache"), Want: Want{By: Own, Status: 504}},
			{Request: asks("Cache-Control: ONLY-IF-CACHED"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-5.2.1.7-only-if-cached-and-vary", Cite: "RFC 9111 §5.2.1.7, RFC 9111 §4.1",
		Title: "nor the response of another variant",
		Steps: []Step{
			{Request: asks("X-A: 1"), Origin: says("Cache-Control: max-age=60", "Vary: X-A")},
			{Request: asks("X-A: 2", "Cache-Control: only-if-cached"), Want: Want{By: Own, Status: 504}},
			{Request: asks("X-A: 1", "Cache-Control: only-if-cached"), Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-5.2.1.7-own-504-is-not-stored", Cite: "RFC 9111 §5.2.1.7, RFC 9111 §3",
		Title: "the 504 is for that client alone",
		Steps: []Step{
			{Request: asks("Cache-Control: only-if-cached"), Want: Want{By: Own, Status: 504}},
			{},
		},
	},
	{
		ID: "9111-5.4-pragma-in-a-response", Cite: "RFC 9111 §5.4",
		Title: "Pragma means nothing in a response",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Pragma: no-cache")},
			{Want: Want{By: Stored, Header: Checks{Is("Pragma", "no-cache")}}},
		},
	},
	{
		ID: "9111-5.4-unknown-pragma", Cite: "RFC 9111 §5.4",
		Title: "nor does a Pragma other than no-cache in a request",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Pragma: foo"), Want: Want{By: Stored}},
		},
	},
	{
		ID: "9111-5.4-pragma-beside-cache-control", Cite: "RFC 9111 §5.4",
		Title: "beside Cache-Control, Pragma is what a client says to caches that don't know that",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60")},
			{Request: asks("Pragma: no-cache", "Cache-Control: max-age=100"), Want: Want{By: Stored}},
		},
	},
}

// wish is a Cache-Control of a request ("|" begins a line) for a response of twenty seconds
// with forty to live.
func wish(section, name, control string, given bool, title string) Case {
	c := Case{
		ID: "9111-" + section + "-request-" + name, Cite: "RFC 9111 §" + section, Title: title,
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Age: 20", `Etag: "1"`)},
			{Origin: says(`Etag: "2"`), Want: Want{By: Validated, Of: 2}},
		},
	}
	for line := range strings.SplitSeq(control, "|") {
		c.Steps[1].Request.Header = append(c.Steps[1].Request.Header, "Cache-Control: "+line)
	}
	if given {
		c.Steps[1].Want = Want{By: Stored, Of: 1}
	}
	return c
}
