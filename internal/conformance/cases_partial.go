// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"time"
)

// partial is RFC 9111 §3.3: parts of responses, and what they may answer.
var partial = []Case{
	{
		ID: "9111-3.3-part-answers-within", Cite: "RFC 9111 §3.3",
		Title: "a stored part answers ranges that lie wholly within it, marked as 206",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`, "X-A: 1")},
			{Request: asks("Range: bytes=2-6"), Want: partOf(2, 6, Is("Etag", `"1"`), Is("X-A", "1"))},
			{Request: asks("Range: bytes=3-4"), Want: partOf(3, 4)},
		},
	},
	{
		ID: "9111-3.3-part-does-not-answer-beyond", Cite: "RFC 9111 §3.3",
		Title: "it answers no range that begins before it, ends behind it, or lies elsewhere",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asks("Range: bytes=1-4")},
			{Request: asks("Range: bytes=4-7")},
			{Request: asks("Range: bytes=8-9")},
			{Request: asks("Range: bytes=5-")},
			{Request: asks("Range: bytes=3-4,8-8")},
		},
	},
	{
		ID: "9111-3.3-suffix-of-a-part", Cite: "RFC 9111 §3.3, RFC 9110 §14.1.2",
		Title: "the last bytes are those of the whole, not of the part",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asks("Range: bytes=-2"), Origin: Answer{Status: 206, Body: "yz", Header: Lines{fmt.Sprintf("Content-Range: bytes %d-%d/%d", vast-2, vast-1, vast)}}},
		},
	},
	{
		ID: "9111-3.3-suffix-within-a-part", Cite: "RFC 9111 §3.3, RFC 9110 §14.1.2",
		Title: "where the part reaches to the end, it answers for the last bytes",
		Steps: []Step{
			{Request: asks("Range: bytes=5-"), Origin: sized(5, 9, 10, `Etag: "1"`)},
			{Request: asks("Range: bytes=-2"), Want: Want{By: Stored, Status: 206, Body: "89", Header: Checks{Is("Content-Range", "bytes 8-9/10")}}},
			{Request: asks("Range: bytes=7-"), Want: Want{By: Stored, Status: 206, Body: "789", Header: Checks{Is("Content-Range", "bytes 7-9/10")}}},
		},
	},
	{
		ID: "9111-3.3-part-is-no-head", Cite: "RFC 9111 §3.3, RFC 9110 §9.3.2",
		Title: "a part answers neither GET of the whole nor HEAD",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asksBy("HEAD", "/"), Origin: Answer{Body: digits}},
			{Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-3.3-stale-part", Cite: "RFC 9111 §3.3, RFC 9111 §4",
		Title: "a part is fresh and stale like a whole response",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "23456", Header: Lines{"Cache-Control: max-age=1", told(2, 5), `Etag: "1"`}}, Pass: 1200 * time.Millisecond},
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "2"`), Want: Want{By: Anyone, Calls: "1", Status: 206, Body: "23456", Header: Checks{Is("Etag", `"2"`)}}},
		},
	},
	partRefused("no-store", "Cache-Control: max-age=60, no-store"),
	partRefused("private", "Cache-Control: max-age=60, private"),
	partRefused("no-cache", "Cache-Control: max-age=60, no-cache"),
	{
		ID: "9111-3.3-part-of-an-unknown-unit", Cite: "RFC 9111 §3.3",
		Title: "a part in a range unit that isn't understood isn't stored",
		Steps: []Step{
			{Request: asks("Range: lines=2-6"), Origin: Answer{Status: 206, Body: "x", Header: Lines{"Cache-Control: max-age=60", "Content-Range: lines 2-6/10", `Etag: "1"`}}},
			{Request: asks("Range: lines=2-6")},
			{Request: asks("Range: bytes=2-6")},
		},
	},
	malformed("end-before-start", "bytes 6-2/10"), malformed("beyond-the-size", "bytes 2-12/10"), malformed("another-length", "bytes 2-7/10"),
	malformed("no-number", "bytes 2-x/10"), malformed("negative", "bytes -2-6/10"), malformed("two", "bytes 2-6/10, bytes 2-6/10"),
	malformed("no-range", "bytes */10"),
	{
		ID: "9111-3.3-206-without-content-range", Cite: "RFC 9111 §3.3, RFC 9110 §14.4",
		Title: "a 206 that doesn't say what it is a part of passes and isn't used again",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "23456", Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}},
			{Request: asks("Range: bytes=2-6")},
			{},
		},
	},
	{
		ID: "9111-3.3-several-parts", Cite: "RFC 9111 §3.3, RFC 9110 §15.3.7.2",
		Title: "a multipart answer passes as it is, and its text is never taken for the bytes of one range",
		Steps: []Step{
			{
				Request: asks("Range: bytes=0-1,8-9"),
				Origin: Answer{
					Status: 206, Body: "--b\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--b\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--b--\r\n",
					Header: Lines{"Cache-Control: max-age=60", "Content-Type: multipart/byteranges; boundary=b", `Etag: "1"`},
				},
			},
			{Request: asks("Range: bytes=0-1"), Origin: part(0, 1, `Etag: "1"`), Want: Want{By: Anyone, Status: 206, Body: "01"}},
			{Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-3.3-several-parts-as-one", Cite: "RFC 9111 §3.3, RFC 9110 §14.4",
		Title: "also where a Content-Range, which has no place there, tells of as many bytes as that text has",
		Steps: []Step{
			{
				Request: asks("Range: bytes=0-1,8-9"),
				Origin: Answer{
					Status: 206, Body: "--b\r\nContent-Range: bytes 0-1/1000\r\n\r\n01\r\n--b--\r\n",
					Header: Lines{"Cache-Control: max-age=60", "Content-Type: Multipart/ByteRanges; boundary=b", told(0, 49), `Etag: "1"`},
				},
			},
			{Request: asks("Range: bytes=0-1"), Origin: part(0, 1, `Etag: "1"`), Want: Want{By: Anyone, Status: 206, Body: "01"}},
		},
	},
	{
		ID: "9111-3.3-part-by-vary", Cite: "RFC 9111 §3.3, RFC 9111 §4.1",
		Title: "a part is for those whose selecting fields match",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6", "X-A: 1"), Origin: part(2, 6, `Etag: "1"`, "Vary: X-A")},
			{Request: asks("Range: bytes=2-6", "X-A: 2")},
		},
	},
	{
		ID: "9111-3.3-part-by-vary-equal", Cite: "RFC 9111 §3.3, RFC 9111 §4.1",
		Title: "and is given to them",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6", "X-A: 1"), Origin: part(2, 6, `Etag: "1"`, "Vary: X-A")},
			{Request: asks("Range: bytes=3-4", "X-A: 1"), Want: partOf(3, 4)},
		},
	},
	{
		ID: "9111-3.5-part-and-authorization", Cite: "RFC 9111 §3.5, RFC 9111 §3.3",
		Title: "the part that a request with Authorization brought isn't shared without leave",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6", "Authorization: Bearer a"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asks("Range: bytes=2-6")},
		},
	},
	{
		ID: "9111-4.4-part-is-invalidated", Cite: "RFC 9111 §4.4, RFC 9111 §3.3",
		Title: "an unsafe method invalidates a stored part too",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asksBy("DELETE", "/")},
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "2"`), Want: Want{By: Anyone, Calls: "1", Status: 206, Body: "23456", Header: Checks{Is("Etag", `"2"`)}}},
		},
	},
	{
		ID: "9111-4.3.2-if-range-and-a-part", Cite: "RFC 9111 §4.3.2, RFC 9110 §13.1.5",
		Title: "If-Range with the part's strong entity tag is answered from it, with another one not",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: part(2, 6, `Etag: "1"`)},
			{Request: asks("Range: bytes=3-4", `If-Range: "1"`), Want: partOf(3, 4)},
			{Request: asks("Range: bytes=3-4", `If-Range: "2"`), Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-4.3.2-if-range-weak", Cite: "RFC 9111 §4.3.2, RFC 9110 §13.1.5",
		Title: "If-Range compares strongly: a weak entity tag gets the whole",
		Steps: []Step{
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: W/"1"`}}},
			{Request: asks("Range: bytes=3-4", `If-Range: W/"1"`), Want: Want{By: Stored, Status: 200}},
		},
	},
	{
		ID: "9111-3.3-whole-by-one-range", Cite: "RFC 9111 §3.3",
		Title: "a 206 with all the bytes is complete, but is given as 200 to who asks for the whole",
		Steps: []Step{
			{Request: asks("Range: bytes=0-"), Origin: sized(0, 9, 10, `Etag: "1"`)},
			{Want: Want{By: Anyone, Calls: "0-1", Status: 200, Body: digits, Header: Checks{No("Content-Range")}}, Origin: Answer{Body: digits}},
		},
	},
	{
		ID: "9111-3.3-whole-replaces-the-part", Cite: "RFC 9111 §3.3, RFC 9111 §4",
		Title: "once a newer whole response is stored, its bytes are given, not those of the older part",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "cdefg", Header: Lines{"Cache-Control: max-age=60", "Content-Range: bytes 2-6/10", `Etag: "1"`}}},
			{Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "2"`}}},
			{Request: asks("Range: bytes=2-6"), Want: Want{By: Stored, Status: 206, Body: "23456", Header: Checks{Is("Etag", `"2"`), Is("Content-Range", "bytes 2-6/10")}}},
		},
	},
	{
		ID: "9111-3-range-ignored-by-the-origin", Cite: "RFC 9111 §3, RFC 9110 §14.2",
		Title: "a 200 to a request for a range is the whole, and stored as that",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Body: digits, Header: Lines{"Cache-Control: max-age=60", `Etag: "1"`}}, Want: Want{By: Anyone, Calls: "1", Of: 1, Status: 200}},
			{Want: Want{By: Stored, Status: 200, Body: digits}},
		},
	},
}

// vast is a length that no cache asks for as a whole, where a client wants a part.
const vast = 1 << 40

// told is the Content-Range of a part of something vast.
func told(first, length int) string {
	return fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, first+length-1, vast)
}

// part is a 206 with some of the digits, which something vast begins with.
func part(first, last int, lines ...string) Answer { return sized(first, last, vast, lines...) }

func sized(first, last, size int, lines ...string) Answer {
	header := Lines{"Cache-Control: max-age=60", fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, last, size)}
	return Answer{Status: 206, Body: digits[first : last+1], Header: append(header, lines...)}
}

func unsized(first, last int) Answer {
	header := Lines{"Cache-Control: max-age=60", fmt.Sprintf("Content-Range: bytes %d-%d/*", first, last), `Etag: "1"`}
	return Answer{Status: 206, Body: digits[first : last+1], Header: header}
}

// other is the same with other bytes.
func other(body string, first int, lines ...string) Answer {
	return Answer{Status: 206, Body: body, Header: append(Lines{"Cache-Control: max-age=60", told(first, len(body))}, lines...)}
}

// partOf is such a part from the store.
func partOf(first, last int, checks ...Check) Want {
	whole := Is("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, vast))
	return Want{By: Stored, Status: 206, Body: digits[first : last+1], Header: append(Checks{whole}, checks...)}
}

// partRefused is a part with a directive that keeps it from being reused.
func partRefused(name, control string) Case {
	return Case{
		ID: "9111-3.3-part-with-" + name, Cite: "RFC 9111 §3.3, RFC 9111 §3",
		Title: "a part with " + name + " isn't reused",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "23456", Header: Lines{control, told(2, 5), `Etag: "1"`}}},
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "cdefg", Header: Lines{told(2, 5), `Etag: "2"`}}, Want: Want{By: Anyone, Calls: "1", Status: 206, Body: "cdefg"}},
		},
	}
}

// malformed is a Content-Range that doesn't describe the five bytes that come with it.
func malformed(name, contentRange string) Case {
	return Case{
		ID: "9111-3.3-content-range-" + name, Cite: "RFC 9111 §3.3, RFC 9110 §14.4",
		Title: "a 206 with Content-Range: " + contentRange + " passes and isn't used again",
		Steps: []Step{
			{Request: asks("Range: bytes=2-6"), Origin: Answer{Status: 206, Body: "23456", Header: Lines{"Cache-Control: max-age=60", "Content-Range: " + contentRange, `Etag: "1"`}}},
			{Request: asks("Range: bytes=2-6")},
			{Request: asks("Range: bytes=2-3")},
			{},
		},
	}
}
