// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
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
		if _, given := h[name]; !given || !sniffed && len(values) > 0 {
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
func (x *exchange) serveStored(e *store.Entry, st status, ttl, age time.Duration) {
	ranges := x.wanted(e)
	if st.answered != 0 && st.answered != x.status {
		st.fwdStatus = st.answered
	}
	h := x.w.Header()
	x.headStored(e, st, ttl, age)
	switch x.status {
	case http.StatusNotModified:
	case http.StatusPartialContent:
		x.sendRanges(ranges, content{bytes: e.Body(), size: int64(e.BodyLen())})
		return
	case http.StatusRequestedRangeNotSatisfiable:
		x.unsatisfiable(e.BodyLen())
		return
	default:
		if x.status != http.StatusNoContent {
			// The client must see the end of the body before a held ServeHTTP returns.
			h["Content-Length"] = []string{strconv.Itoa(e.BodyLen())}
		}
	}
	x.w.WriteHeader(x.status)
	if x.r.Method != http.MethodHead && x.status != http.StatusNotModified {
		_, _ = x.w.Write(e.Body())
	}
}

// wanted decides which status a request gets of a stored response, and for 206 which parts.
func (x *exchange) wanted(e *store.Entry) []httpfield.Range {
	x.status = e.Status()
	if x.status != http.StatusOK {
		return nil
	}
	etag, _ := e.Field("Etag")
	modified, _ := e.Field("Last-Modified")
	date, _ := e.Field("Date")
	switch {
	case x.notModified(etag, sinceWhen(modified, date)):
		x.status = http.StatusNotModified
	case x.r.Method == http.MethodGet && x.rangeApplies(etag, modified, date):
		ranges, satisfiable, valid := httpfield.ParseRange(x.r.Header["Range"][0], int64(e.BodyLen()))
		switch {
		case valid && satisfiable:
			x.status = http.StatusPartialContent
			return ranges
		case valid:
			x.status = http.StatusRequestedRangeNotSatisfiable
		}
	}
	return nil
}

// sinceWhen is what If-Modified-Since is compared with (RFC 9111 §4.3.2).
func sinceWhen(modified, date string) string {
	if modified == "" {
		return date
	}
	return modified
}

// leftOut says which fields of a whole response don't go out with a status that is made of
// it: with 304 what the client knows of the body (RFC 9110 §15.4.5), with 416 all that is
// said of the page, since it could be stored downstream as if it were the page.
func leftOut(status int, name string, tagged bool) bool {
	switch status {
	case http.StatusNotModified:
		switch name {
		case "Content-Length", "Content-Type", "Content-Encoding", "Content-Language":
			return true
		}
		return name == "Last-Modified" && tagged
	case http.StatusRequestedRangeNotSatisfiable:
		switch name {
		case "Cache-Control", "Content-Encoding", "Content-Language", "Content-Location", "Content-Type",
			"Etag", "Expires", "Last-Modified", "Pragma", "Set-Cookie", "Set-Cookie2":
			return true
		}
	}
	return false
}

// headStored sets the header of a stored response, which is about to be sent with x.status.
func (x *exchange) headStored(e *store.Entry, st status, ttl, age time.Duration) {
	h := x.w.Header()
	v := viewOf(e)
	for i := range v.fields {
		if leftOut(x.status, v.fields[i].Name, v.tagged) {
			continue
		}
		mergeField(h, v.fields[i].Name, v.fields[i].Values, e.Has(store.Sniffed))
	}
	if x.status != http.StatusRequestedRangeNotSatisfiable {
		h["Age"] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
	}
	st.ttl, st.hasTTL = ttl, true
	appendStatus(h, st.String())
	if x.closeAfter {
		h["Connection"] = []string{"close"}
	}
	x.sent = true
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
