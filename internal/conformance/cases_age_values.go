// SPDX-License-Identifier: MIT

package conformance

import (
	"strings"
	"time"
)

// ageValues is RFC 9111 §4.2.3 and §5.1 further: what Age may hold, and what is added to it.
var ageValues = []Case{
	olderBy("first-member", "20, 40", 20, "the first member of a list counts"),
	olderBy("first-line", "20|40", 20, "and so does the first line"),
	olderBy("leading-zeros", "0020", 20, "leading zeros don't change a number"),
	olderBy("fraction", "20.5", 0, "a fraction is no number of seconds, and ignored"),
	olderBy("with-a-unit", "20s", 0, "nor is one with a unit"),
	olderBy("sign", "+20", 0, "nor one with a sign"),
	olderBy("word", "abc", 0, "nor a word"),
	olderBy("parameter", "20;foo=bar", 0, "nor a number with a parameter"),
	olderBy("empty", "", 0, "nor nothing"),
	{
		ID: "9111-1.2.2-large-age", Cite: "RFC 9111 §1.2.2, RFC 9111 §5.1",
		Title: "an Age beyond all bounds makes a response old, not young",
		Steps: []Step{
			{Request: asksBy("GET", "/a"), Origin: says("Cache-Control: max-age=60", "Age: 2147483648")},
			{Request: asksBy("GET", "/a")},
			{Request: asksBy("GET", "/b"), Origin: says("Cache-Control: max-age=60", "Age: 99999999999999999999999999")},
			{Request: asksBy("GET", "/b")},
		},
	},
	{
		ID: "9111-4.2.3-corrected-age-wins", Cite: "RFC 9111 §4.2.3",
		Title: "of the apparent age and that of Age the greater counts",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Date: {now-2s}", "Age: 30")},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 30, 33)}}},
		},
	},
	{
		ID: "9111-4.2.3-stale-by-its-date", Cite: "RFC 9111 §4.2.3",
		Title: "a Date that lies further back than the lifetime makes a response stale",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Date: {now-70s}")},
			{},
		},
	},
	{
		ID: "9111-4.2.3-date-in-the-future", Cite: "RFC 9111 §4.2.3",
		Title: "a Date in the future makes no negative age",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=60", "Date: {now+1h}")},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 0, 3)}, CacheStatus: "ttl=57..60"}},
		},
	},
	{
		ID: "9111-4.2.3-slow-miss", Cite: "RFC 9111 §4.2.3",
		Title: "an answer that takes longer than what is left of its lifetime is stale when it arrives",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=21", "Age: 20"}, Delay: 2 * time.Second}},
			{},
		},
	},
	{
		ID: "9111-4.2.3-slow-origin-without-age", Cite: "RFC 9111 §4.2.3",
		Title: "Age is the sum of what earlier caches say, the delay, and the time in the store",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=600", "Age: 7", "Date: {now+20s}"}, Delay: 10 * time.Second}, Pass: 100 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Age", "117")}, CacheStatus: "ttl=483"}},
		},
	},
	{
		ID: "9111-4.2.3-since-validation", Cite: "RFC 9111 §4.2.3",
		Title: "the time in the store counts from the last validation",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=100", `Etag: "1"`), Pass: 150 * time.Second},
			{Origin: saysStatus(304, "Cache-Control: max-age=100", `Etag: "1"`), Want: Want{By: Validated, Of: 1, Header: Checks{Is("Age", "0")}}, Pass: 60 * time.Second},
			{Want: Want{By: Stored, Of: 1, Header: Checks{Is("Age", "60")}, CacheStatus: "ttl=40"}},
		},
	},
	{
		ID: "9111-5.1-age-on-304", Cite: "RFC 9111 §5.1, RFC 9111 §4",
		Title: "a 304 and a part from the store carry the age of the stored response",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", "Age: 20", `Etag: "1"`}}},
			{Request: asks(`If-None-Match: "1"`), Want: Want{By: Stored, Status: 304, Header: Checks{Between("Age", 20, 23)}}},
			{Request: asks("Range: bytes=1-2"), Want: Want{By: Stored, Status: 206, Body: "12", Header: Checks{Between("Age", 20, 23)}}},
			{Request: asksBy("HEAD", "/"), Want: Want{By: Stored, Status: 200, Header: Checks{Between("Age", 20, 23)}}},
		},
	},
	{
		ID: "9111-5.1-none-from-the-origin", Cite: "RFC 9111 §5.1",
		Title: "an answer that the origin made for this request carries no Age, nor one that a full response replaced",
		Steps: []Step{
			{Origin: says("Cache-Control: max-age=10", "Age: 10", `Etag: "1"`)},
			{Origin: says("Cache-Control: max-age=60"), Want: Want{By: Validated, Of: 2, Header: Checks{No("Age")}}},
			{Request: asksBy("POST", "/"), Want: Want{Header: Checks{No("Age")}}},
		},
	},
}

// olderBy is a value of Age, where "|" begins a line, and how old the response is by it.
func olderBy(name, value string, seconds int, title string) Case {
	header := Lines{"Cache-Control: max-age=60"}
	for line := range strings.SplitSeq(value, "|") {
		header = append(header, "Age: "+line)
	}
	return Case{
		ID: "9111-5.1-" + name, Cite: "RFC 9111 §5.1", Title: title,
		Steps: []Step{
			{Origin: Answer{Header: header}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", seconds, seconds+3)}}},
		},
	}
}
