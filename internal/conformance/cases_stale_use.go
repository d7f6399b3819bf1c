// SPDX-License-Identifier: MIT

package conformance

import "time"

// staleUse is RFC 9111 §4.2.4 with §5.2.1.2 and the directives of §5.2.2 that forbid it: who
// may be given a stale response.
var staleUse = []Case{
	neverStale("5.2.2.2", "must-revalidate", "max-age=10, must-revalidate"),
	neverStale("5.2.2.2", "must-revalidate-in-capitals", "max-age=10, MUST-REVALIDATE"),
	neverStale("5.2.2.2", "must-revalidate-with-an-argument", "max-age=10, must-revalidate=1"),
	neverStale("5.2.2.8", "proxy-revalidate", "max-age=10, proxy-revalidate"),
	neverStale("5.2.2.10", "s-maxage", "s-maxage=10"),
	neverStale("5.2.2.10", "s-maxage-beside-max-age", "max-age=60, s-maxage=5"),
	neverStale("5.2.2.4", "no-cache", "max-age=10, no-cache"),
	{
		ID: "9111-4.2.4-not-while-the-origin-answers", Cite: "RFC 9111 §4.2.4",
		Title: "a stale response isn't given to who didn't ask for one while the origin can be reached",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: Answer{Header: Lines{`Etag: "2"`}, Delay: 400 * time.Millisecond}, Want: Want{By: Validated, Of: 2, Sees: Checks{Is("If-None-Match", `"1"`)}}},
		},
	},
	{
		ID: "9111-4.2.4-timeout-is-no-contact", Cite: "RFC 9111 §4.2.4",
		Title: "an origin that doesn't answer in time isn't reached either",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: Answer{Fail: TimesOut}, Want: Want{By: Stale, Calls: "1", Of: 1, Header: Checks{Between("Age", 10, 14)}}},
		},
	},
	{
		ID: "9111-4.2.4-contact-again", Cite: "RFC 9111 §4.2.4, RFC 9111 §4.3",
		Title: "what was given stale without contact isn't fresh: with the origin's return it is validated",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=100", `Etag: "1"`), Pass: 101 * time.Second},
			{Origin: Answer{Fail: Closes}, Want: Want{By: Stale, Calls: "1", Header: Checks{Is("Age", "101")}}, Pass: time.Minute},
			{Origin: saysStatus(304, "Cache-Control: max-age=100", `Etag: "1"`), Want: Want{By: Validated, Of: 1, Header: Checks{Is("Age", "0")}}, Pass: time.Second},
			{Want: Want{By: Stored, Of: 1}},
		},
	},
	{
		ID: "9111-4.2.4-failure-is-not-stored", Cite: "RFC 9111 §4.2.4, RFC 9111 §3",
		Title: "that the origin couldn't be reached is no response that anyone could be given later",
		Steps: []Step{
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502}, Pass: time.Minute},
			{},
		},
	},
	{
		ID: "9111-4.2.4-error-status-is-an-answer", Cite: "RFC 9111 §4.2.4, RFC 9111 §4.3.3",
		Title: "must-revalidate holds against stale-if-error too: the error is forwarded",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10, must-revalidate, stale-if-error=600", "Age: 10", `Etag: "1"`)},
			{Origin: saysStatus(503, "X-A: 1"), Want: Want{By: Validated, Of: 2, Status: 503, Header: Checks{Is("X-A", "1"), No("Etag")}}},
		},
	},
	{
		ID: "9111-4.2.4-s-maxage-and-a-window", Cite: "RFC 9111 §4.2.4, RFC 9111 §5.2.2.10",
		Title: "s-maxage forbids every stale use; in safe an explicit window beside it is taken as the origin's permission",
		Steps: []Step{
			{Origin: says("Cache-Control: s-maxage=10, stale-if-error=600", "Age: 10", `Etag: "1"`)},
			{
				Origin:  saysStatus(503),
				Want:    Want{By: Stale, Of: 1, Status: 200, Calls: "1"},
				WantRFC: &Want{By: Validated, Of: 2, Status: 503},
			},
		},
	},
	maxStale("alone", "max-stale", "max-age=10", true, "a client that takes any stale response gets one"),
	maxStale("in-capitals", "MAX-STALE=100", "max-age=10", true, "directives of requests have no case either"),
	maxStale("enough", "max-stale=100", "max-age=10", true, "staleness up to the client's bound is given"),
	maxStale("exceeded", "max-stale=5", "max-age=10", false, "staleness beyond the client's bound is not"),
	maxStale("zero", "max-stale=0", "max-age=10", false, "nor is any where the bound is zero"),
	maxStale("and-max-age", "max-stale=100, max-age=100", "max-age=10", true, "beside max-age, a stale response of that age is given"),
	maxStale("and-max-age-exceeded", "max-stale=100, max-age=20", "max-age=10", false, "but not an older one"),
	maxStale("and-no-cache", "max-stale, no-cache", "max-age=10", false, "of conflicting wishes the most restrictive counts"),
	maxStale("and-min-fresh", "max-stale, min-fresh=5", "max-age=10", false, "who wants it fresh for a while yet gets nothing stale"),
	maxStale("bad-bound", "max-stale=x", "max-age=10", false, "a bound that can't be read allows nothing"),
	maxStale("and-must-revalidate", "max-stale", "max-age=10, must-revalidate", false, "must-revalidate outranks what the client would take"),
	maxStale("and-proxy-revalidate", "max-stale", "max-age=10, proxy-revalidate", false, "and so does proxy-revalidate"),
	maxStale("and-s-maxage", "max-stale", "s-maxage=10", false, "and s-maxage"),
	maxStale("and-no-cache-of-the-response", "max-stale", "max-age=60, no-cache", false, "and no-cache of the response"),
}

// neverStale is a directive that forbids stale use even without contact to the origin.
func neverStale(section, name, control string) Case {
	return Case{
		ID: "9111-" + section + "-never-stale-" + name, Cite: "RFC 9111 §" + section + ", RFC 9111 §4.2.4",
		Title: "with " + name + " the answer without contact is an error, with nothing of what is stored",
		Steps: []Step{
			{Origin: says("Cache-Control: "+control, "Age: 10", `Etag: "1"`, "X-A: 1")},
			{Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502, Header: Checks{No("X-A"), No("Etag"), No("Age")}}},
		},
	}
}

// maxStale is a request of that kind for a response that has been stale for twenty seconds.
func maxStale(name, wish, control string, given bool, title string) Case {
	c := Case{
		ID: "9111-5.2.1.2-max-stale-" + name, Cite: "RFC 9111 §5.2.1.2, RFC 9111 §4.2.4", Title: title,
		Steps: []Step{
			{Origin: says("Cache-Control: "+control, "Age: 30", `Etag: "1"`)},
			{Request: asks("Cache-Control: " + wish), Origin: says(`Etag: "2"`), Want: Want{By: Validated, Of: 2}},
		},
	}
	if given {
		c.Steps[1].Want = Want{By: Stale, Of: 1, Calls: "0", Header: Checks{Between("Age", 30, 33)}}
	}
	return c
}
