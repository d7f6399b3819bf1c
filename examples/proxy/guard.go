// SPDX-License-Identifier: MIT

package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// bearer lets requests pass that carry the token (RFC 6750 §2.1).
func bearer(token string) func(http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			// Digests are of one length, so the time doesn't tell the token's.
			got := sha256.Sum256([]byte(given))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
				w.Header().Set("WWW-Authenticate", `Bearer realm="holdover"`)
				refuse(w, http.StatusUnauthorized, "want Authorization: Bearer with the token of -admin-token")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// loopbackOnly refuses requests to another host name. Without a token the address is
// all that protects, and a page can make its own name resolve to 127.0.0.1.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackHost(hostname(r.Host)) {
			refuse(w, http.StatusMisdirectedRequest, "want a loopback address as Host, or -admin-token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}
