// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// sendHit writes a fresh stored response. Values are handed out without copying;
// their capacity is their length, so that an outer Header().Add reallocates.
func sendHit(w http.ResponseWriter, r *http.Request, e *store.Entry, v *view, st *stamp) {
	h := w.Header()
	if len(h) == 0 {
		for i := range v.fields {
			h[v.fields[i].Name] = v.fields[i].Values
		}
		h["Cache-Status"] = st.status[:]
	} else {
		for i := range v.fields {
			mergeField(h, v.fields[i].Name, v.fields[i].Values, e.Has(store.Sniffed))
		}
		appendStatus(h, st.status[0])
	}
	h["Age"] = st.age[:]
	if r.Method == http.MethodHead {
		if e.Status() != http.StatusNoContent { // RFC 9110 §8.6
			h["Content-Length"] = v.length
		}
		w.WriteHeader(e.Status())
		return
	}
	w.WriteHeader(e.Status())
	_, _ = w.Write(e.Body())
}

// mergeField sets a field of the response over what outer middleware has set.
// Lists to which both contribute are joined, with outer's first. A content type that
// was only sniffed from the body yields, as it does in net/http.
func mergeField(h http.Header, name string, values []string, sniffed bool) {
	switch name {
	case "Content-Type":
		if _, given := h[name]; !given || !sniffed {
			h[name] = values
		}
	case "Vary", "Set-Cookie", "Link", "Cache-Status":
		old := h[name]
		h[name] = append(old[:len(old):len(old)], values...)
	default:
		h[name] = values
	}
}

// mergeHeader sets all fields of a response that isn't stored.
func mergeHeader(h, response http.Header, sniffed bool) {
	for name, values := range response {
		mergeField(h, name, values[:len(values):len(values)], sniffed)
	}
}

// serveStored answers from a stored response of any age, as the request wants it: whole,
// 304 (RFC 9111 §4.3.2), or parts (RFC 9110 §14).
func (x *exchange) serveStored(e *store.Entry, st status, ttl time.Duration, age time.Duration) {
	h := x.w.Header()
	v := viewOf(e)
	for i := range v.fields {
		mergeField(h, v.fields[i].Name, v.fields[i].Values, e.Has(store.Sniffed))
	}
	h["Age"] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
	st.ttl, st.hasTTL = ttl, true
	appendStatus(h, st.String())
	if x.closeAfter {
		h["Connection"] = []string{"close"}
	}
	x.sent = true
	etag, _ := e.Field("Etag")
	modified, _ := e.Field("Last-Modified")
	date, _ := e.Field("Date")
	since := modified
	if since == "" { // RFC 9111 §4.3.2
		since = date
	}
	if e.Status() == http.StatusOK && x.notModified(etag, since) {
		delete(h, "Content-Length")
		x.status = http.StatusNotModified
		x.w.WriteHeader(http.StatusNotModified)
		return
	}
	if e.Status() == http.StatusOK && x.r.Method == http.MethodGet && x.rangeApplies(etag, modified, date) {
		if x.serveRanges(e) {
			return
		}
	}
	x.status = e.Status()
	if x.status != http.StatusNoContent {
		// The client must see the end of the body before a held ServeHTTP returns.
		h["Content-Length"] = []string{strconv.Itoa(e.BodyLen())}
	}
	x.w.WriteHeader(x.status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(e.Body())
	}
}

// notModified evaluates the request's own conditions against a response (RFC 9110
// §13.2.2): If-None-Match, and only without it If-Modified-Since.
func (x *exchange) notModified(etag, modified string) bool {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		return false
	}
	if list, given := x.r.Header["If-None-Match"]; given {
		return etag != "" && httpfield.ETagMatch(list, etag, false) || etag == "" && len(list) == 1 && list[0] == "*"
	}
	since := x.r.Header["If-Modified-Since"]
	if len(since) != 1 || modified == "" {
		return false
	}
	limit, valid := httpfield.ParseDate(since[0])
	last, known := httpfield.ParseDate(modified)
	return valid && known && !last.After(limit)
}

func (x *exchange) rangeApplies(etag, modified, date string) bool {
	if len(x.r.Header["Range"]) != 1 {
		return false
	}
	condition, given := x.r.Header["If-Range"]
	return !given || len(condition) == 1 && httpfield.IfRange(condition[0], etag, modified, date)
}

// serveRanges answers a range request from the whole body. False means that the
// field is to be ignored.
func (x *exchange) serveRanges(e *store.Entry) bool {
	body := e.Body()
	ranges, satisfiable, valid := httpfield.ParseRange(x.r.Header["Range"][0], int64(len(body)))
	if !valid {
		return false
	}
	h := x.w.Header()
	if !satisfiable {
		h["Content-Range"] = []string{fmt.Sprintf("bytes */%d", len(body))}
		h["Content-Length"] = []string{"0"}
		x.status = http.StatusRequestedRangeNotSatisfiable
		x.w.WriteHeader(x.status)
		return true
	}
	x.status = http.StatusPartialContent
	if len(ranges) == 1 {
		r := ranges[0]
		h["Content-Range"] = []string{contentRange(r, len(body))}
		h["Content-Length"] = []string{strconv.FormatInt(r.Length, 10)}
		x.w.WriteHeader(x.status)
		_, _ = x.w.Write(body[r.Start : r.Start+r.Length])
		return true
	}
	x.serveParts(ranges, body)
	return true
}

func contentRange(r httpfield.Range, size int) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.Start, r.Start+r.Length-1, size)
}

// serveParts writes multipart/byteranges (RFC 9110 §14.6).
func (x *exchange) serveParts(ranges []httpfield.Range, body []byte) {
	h := x.w.Header()
	kind := h["Content-Type"]
	write := func(w io.Writer, boundary string) string {
		m := multipart.NewWriter(w)
		if boundary != "" {
			_ = m.SetBoundary(boundary)
		}
		for _, r := range ranges {
			part := textproto.MIMEHeader{"Content-Range": {contentRange(r, len(body))}}
			if len(kind) > 0 {
				part["Content-Type"] = kind
			}
			p, err := m.CreatePart(part)
			if err != nil {
				return ""
			}
			_, _ = p.Write(body[r.Start : r.Start+r.Length])
		}
		_ = m.Close()
		return m.Boundary()
	}
	var size countingWriter
	boundary := write(&size, "")
	h["Content-Type"] = []string{"multipart/byteranges; boundary=" + boundary}
	h["Content-Length"] = []string{strconv.FormatInt(int64(size), 10)}
	x.w.WriteHeader(x.status)
	write(x.w, boundary)
}

type countingWriter int64

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(len(p))
	return len(p), nil
}
