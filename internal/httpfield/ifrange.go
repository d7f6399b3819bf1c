// SPDX-License-Identifier: MIT

package httpfield

import (
	"strings"
	"time"
)

// IfRange reports whether the condition of an If-Range field holds for a stored
// response with these fields, "" where it has none, so that Range is to be
// obeyed (RFC 9110 §13.1.5). An entity-tag must match by strong comparison. A
// date must be the very text of Last-Modified, and that be a strong validator
// (§8.8.2.2): at least a second older than Date.
func IfRange(field, etag, lastModified, date string) bool {
	field = trim(field)
	if ValidETag(field) {
		return sameETag(field, trim(etag), true)
	}
	if field == "" || strings.ContainsRune(field, '"') || field != trim(lastModified) {
		return false
	}
	modified, ok := ParseDate(lastModified)
	sent, known := ParseDate(date)
	return ok && known && sent.Sub(modified) >= time.Second
}
