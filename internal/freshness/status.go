// SPDX-License-Identifier: MIT

package freshness

import "net/http"

// HeuristicallyCacheable reports whether responses with this status may be
// reused without an explicit lifetime (RFC 9110 §15.1).
func HeuristicallyCacheable(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusPartialContent,
		http.StatusMultipleChoices, http.StatusMovedPermanently, http.StatusPermanentRedirect,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusRequestURITooLong,
		http.StatusNotImplemented:
		return true
	}
	return false
}

// Understood reports whether this cache does for the status all that its
// definition asks of caches, which is what must-understand means (RFC 9111
// §5.2.2.3): those of RFC 9110 §15 that have no special rules for caches.
//
// Not among them: 206, 304 and 416, which are answers to a part or a condition
// of one request; 407, which is meant for the next hop; and 428, 429, 431 and
// 511, which RFC 6585 forbids to store, so that must-understand must not lift a
// no-store from them.
func Understood(status int) bool {
	switch {
	case status >= 200 && status <= 205, status >= 300 && status <= 303, status == 307, status == 308:
		return true
	case status >= 400 && status <= 406, status >= 408 && status <= 415, status == 417:
		return true
	case status == http.StatusMisdirectedRequest, status == http.StatusUnprocessableEntity,
		status == http.StatusUpgradeRequired, status == http.StatusUnavailableForLegalReasons:
		return true
	}
	return status >= 500 && status <= 505
}
