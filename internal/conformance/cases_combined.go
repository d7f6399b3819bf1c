// SPDX-License-Identifier: MIT

package conformance

import "time"

// combined is RFC 9111 §3.4: which parts make one response.
var combined = []Case{
	{
		ID: "9111-3.4-parts-are-combined", Cite: "RFC 9111 §3.4, RFC 9110 §15.3.7.3",
		Title: "parts with the same strong entity tag that touch or overlap are one",
		Steps: []Step{
			{Request: asks("Range: bytes=2-4"), Origin: part(2, 4, `Etag: "1"`, "X-A: old", "X-B: old")},
			{Request: asks("Range: bytes=5-6"), Origin: part(5, 6, `Etag: "1"`, "X-A: new")},
			{Request: asks("Range: bytes=6-8"), Origin: part(6, 8, `Etag: "1"`)},
			{Request: asks("Range: bytes=3-7"), Want: partOf(3, 7, Is("X-A", "new"), Is("X-B", "old"))},
		},
	},
	{
		ID: "9111-3.4-parts-become-the-whole", Cite: "RFC 9111 §3.4, RFC 9111 §3.3",
		Title: "when all bytes have come in parts, whether they were combined or asked for at once, the response is complete",
		Steps: []Step{
			{Request: asks("Range: bytes=5-9"), Origin: Answer{Serve: ranging(`"1"`)}, Want: Want{Status: 206, Body: "56789"}},
			{Request: asks("Range: bytes=0-4"), Origin: Answer{Serve: ranging(`"1"`)}, Want: Want{By: Anyone, Calls: "1", Status: 206, Body: "01234"}},
			{Want: Want{By: Stored, Status: 200, Body: digits, Header: Checks{No("Content-Range"), Is("Content-Length", "10")}}},
			{Request: asks("Range: bytes=3-6"), Want: Want{By: Stored, Status: 206, Body: "3456"}},
		},
	},
	notCombined("weak", part(0, 4, `Etag: W/"1"`), part(5, 9, `Etag: W/"1"`), "parts with a weak entity tag aren't combined"),
	notCombined("untagged", part(0, 4), part(5, 9), "nor are parts without any validator"),
	notCombined("another-tag", part(0, 4, `Etag: "1"`), part(5, 9, `Etag: "2"`), "nor parts of different responses"),
	notCombined("tag-lost", part(0, 4, `Etag: "1"`), part(5, 9), "nor a part that says nothing of its version"),
	notCombined("unknown-size", unsized(0, 4), unsized(5, 9), "nor does anything tell that parts of unknown length are all of it"),
	notCombined("gap", part(0, 3, `Etag: "1"`), part(5, 9, `Etag: "1"`), "nor parts with a gap between them"),
	notCombined("another-size", part(0, 4, `Etag: "1"`), sized(5, 9, vast+1, `Etag: "1"`), "nor parts of bodies of different length"),
	notCombined("other-bytes", part(0, 5, `Etag: "1"`), other("X6789", 5, `Etag: "1"`), "nor parts that disagree where they overlap"),
	{
		ID: "9111-3.4-versions-are-not-mixed", Cite: "RFC 9111 §3.4, RFC 9111 §4",
		Title: "a range of which an older version has one half and a newer one the other is answered by neither",
		Steps: []Step{
			{Request: asks("Range: bytes=0-4"), Origin: other("abcde", 0, `Etag: "1"`)},
			{Request: asks("Range: bytes=5-9"), Origin: part(5, 9, `Etag: "2"`)},
			{Request: asks("Range: bytes=3-6"), Origin: part(3, 6, `Etag: "2"`), Want: Want{Header: Checks{Is("Etag", `"2"`)}}},
		},
	},
}

// notCombined are two parts that must not be taken for a whole.
func notCombined(name string, first, second Answer, title string) Case {
	return Case{
		ID: "9111-3.4-not-combined-" + name, Cite: "RFC 9111 §3.4, RFC 9110 §15.3.7.3", Title: title,
		Steps: []Step{
			{Request: asks("Range: bytes=0-4"), Origin: first, Pass: 10 * time.Millisecond}, // so that the other is newer
			{Request: asks("Range: bytes=5-9"), Origin: second},
			{Request: asks("Range: bytes=3-6")},
			{},
		},
	}
}
