// SPDX-License-Identifier: MIT

package httpfield

import (
	"net/http"
	"strings"
)

// StripHopByHop removes from h what belongs to one connection (RFC 9110 §7.6.1,
// RFC 9111 §3.1): Connection and the fields that it lists, and those that are
// known to be such. It also removes names that aren't tokens, which net/http
// would not send (the [http.TrailerPrefix] ones among them).
//
// Fields that decide on caching stay though Connection lists them: it must not
// name fields meant for all recipients, and without Cache-Control or Vary the
// response would be stored for the wrong clients.
func StripHopByHop(h http.Header) {
	for name, lines := range h {
		if strings.EqualFold(name, "Connection") {
			stripListed(h, lines)
		}
	}
	for name := range h {
		if !isToken(name) || isHopByHop(http.CanonicalHeaderKey(name)) {
			delete(h, name)
		}
	}
}

// stripListed doesn't heed quotes: options are tokens, and a stray quote must
// not save the names behind it.
func stripListed(h http.Header, lines []string) {
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			stripName(h, http.CanonicalHeaderKey(trim(option)))
		}
	}
}

func stripName(h http.Header, name string) {
	if decidesOnCaching(name) {
		return
	}
	for key := range h {
		if strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}

func isHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

func decidesOnCaching(name string) bool {
	switch name {
	case "Age", "Cache-Control", "Cdn-Cache-Control", "Date", "Expires", "Pragma", "Vary":
		return true
	}
	return false
}
