// SPDX-License-Identifier: MIT

package httpfield

import (
	"math"
	"strings"
)

// Range is a part of a body in bytes; Length is at least 1.
type Range struct{ Start, Length int64 }

// maxRanges is how many ranges one request may ask for; more is abuse
// (RFC 9110 §14.2 and §17.15).
const maxRanges = 64

// ParseRange reads a Range field for a body of size bytes (RFC 9110 §14.1.2).
// ok is false where the field is to be ignored: for bad syntax, another unit, a
// range that ends before it starts, more than 64 ranges, ranges that overlap so
// much that together they exceed the body, and an empty body. Else satisfiable
// tells 206 from 416. Ranges are clamped to the body, in the given order;
// those outside of it are left out.
func ParseRange(field string, size int64) (ranges []Range, satisfiable, ok bool) {
	unit, set, found := strings.Cut(trim(field), "=")
	if !found || !equalFold(unit, "bytes") || size <= 0 {
		return nil, false, false
	}
	var count int
	var total int64
	for spec := range strings.SplitSeq(set, ",") {
		if spec = trim(spec); spec == "" {
			continue
		}
		r, valid := parseRangeSpec(spec, size)
		if count++; !valid || count > maxRanges || r.Length > size-total {
			return nil, false, false
		}
		if total += r.Length; r.Length > 0 {
			ranges = append(ranges, r)
		}
	}
	return ranges, len(ranges) > 0, count > 0
}

// parseRangeSpec returns a range of length 0 if spec is valid, but outside.
func parseRangeSpec(spec string, size int64) (Range, bool) {
	from, to, found := strings.Cut(spec, "-")
	if !found {
		return Range{}, false
	}
	if from == "" { // suffix-range
		n, ok := digits(to, math.MaxInt64)
		n = min(n, size)
		return Range{size - n, n}, ok
	}
	start, ok := digits(from, math.MaxInt64)
	end := size - 1
	if to != "" {
		last, valid := digits(to, math.MaxInt64)
		if ok = ok && valid && last >= start; last < end {
			end = last
		}
	}
	return Range{start, max(0, end-start+1)}, ok
}

// ContentRange is a Content-Range field in bytes (RFC 9110 §14.4).
type ContentRange struct {
	Start, End  int64 // of the first and last byte; 0 if Unsatisfied
	Size        int64 // of the whole body, -1 = unknown
	Unsatisfied bool  // the form of a 416: only Size is told
}

// ParseContentRange reports false for another unit, bad syntax, an end before
// the start or beyond the size, and numbers above 2⁶³−1.
func ParseContentRange(s string) (ContentRange, bool) {
	unit, rest, found := strings.Cut(trim(s), " ")
	part, size, slash := strings.Cut(rest, "/")
	if !found || !slash || !equalFold(unit, "bytes") {
		return ContentRange{}, false
	}
	c := ContentRange{Size: -1, Unsatisfied: part == "*"}
	ok := c.Unsatisfied || c.parsePart(part)
	if size != "*" || c.Unsatisfied {
		var valid bool
		c.Size, valid = exactDigits(size)
		ok = ok && valid && (c.Unsatisfied || c.End < c.Size)
	}
	if !ok {
		return ContentRange{}, false
	}
	return c, true
}

func (c *ContentRange) parsePart(s string) bool {
	first, last, found := strings.Cut(s, "-")
	var a, b bool
	c.Start, a = exactDigits(first)
	c.End, b = exactDigits(last)
	return found && a && b && c.Start <= c.End
}

// exactDigits refuses what would saturate.
func exactDigits(s string) (int64, bool) {
	n, ok := digits(s, math.MaxInt64)
	return n, ok && (n < math.MaxInt64 || strings.TrimLeft(s, "0") == "9223372036854775807")
}
