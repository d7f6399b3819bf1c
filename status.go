// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"strconv"
	"time"
)

// cacheName is how this cache calls itself in Cache-Status (RFC 9211 §2).
const cacheName = "holdover"

// appendHit appends the member for a fresh stored response (RFC 9211 §2.1, §2.4).
func appendHit(b []byte, ttl time.Duration) []byte {
	b = append(b, cacheName+"; hit; ttl="...)
	return strconv.AppendInt(b, int64(ttl/time.Second), 10)
}

// status is what Cache-Status says about an answer.
type status struct {
	hit       bool
	fwd       Reason        // why the request went to the handler, if it did
	fwdStatus int           // what the handler answered, where that isn't what is sent
	answered  int           // the same, for who doesn't know yet what will be sent
	ttl       time.Duration // of a stored response; negative when stale
	hasTTL    bool
	stored    bool
	collapsed bool
	detail    Reason
}

// String returns the member of the list (RFC 9211 §2).
func (s status) String() string {
	b := append(make([]byte, 0, 96), cacheName...)
	if s.hit {
		b = append(b, "; hit"...)
	} else if s.fwd != "" {
		b = append(append(b, "; fwd="...), s.fwd...)
		if s.fwdStatus != 0 {
			b = strconv.AppendInt(append(b, "; fwd-status="...), int64(s.fwdStatus), 10)
		}
		if s.stored {
			b = append(b, "; stored"...)
		}
		if s.collapsed {
			b = append(b, "; collapsed"...)
		}
	}
	if s.hasTTL {
		b = strconv.AppendInt(append(b, "; ttl="...), int64(floorSeconds(s.ttl)), 10)
	}
	if s.detail != "" {
		b = append(append(b, "; detail="...), s.detail...)
	}
	return string(b)
}

// floorSeconds rounds down, so that what is stale never says ttl=0.
func floorSeconds(d time.Duration) time.Duration {
	s := d / time.Second
	if d < 0 && d%time.Second != 0 {
		s--
	}
	return s
}

// appendStatus adds our member behind those of caches nearer the origin.
func appendStatus(h http.Header, member string) {
	old := h["Cache-Status"]
	h["Cache-Status"] = append(old[:len(old):len(old)], member)
}
