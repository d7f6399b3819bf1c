// SPDX-License-Identifier: MIT

package conformance

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// Short words for tables in which most steps differ by one header line.

// says is a 200 with these lines.
func says(lines ...string) Answer { return Answer{Header: lines} }

// saysStatus is an answer of another status with these lines.
func saysStatus(status int, lines ...string) Answer { return Answer{Status: status, Header: lines} }

// asks is a GET of "/" with these lines.
func asks(lines ...string) Request { return Request{Header: lines} }

// asksBy is a request of another method or target.
func asksBy(method, target string, lines ...string) Request {
	return Request{Method: method, Target: target, Header: lines}
}

// tagged is an origin that validates: 304 to a condition that names its entity tag.
func tagged(etag, control, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", etag)
		w.Header().Set("Cache-Control", control)
		if strings.Contains(joined(r.Header.Values("If-None-Match")), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, body)
	}
}

// ranging is an origin that serves the digits, or the parts of them that it is asked for.
func ranging(etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", etag)
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(digits))
	}
}

// echoAuthorization is an origin that tells for whom it answers.
func echoAuthorization(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "for "+r.Header.Get("Authorization"))
}

// notOver leaves a transport out of a case.
func notOver(tr Transport, why string, c Case) Case {
	c.Not = map[Transport]string{tr: why}
	return c
}
