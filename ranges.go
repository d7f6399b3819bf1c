// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func (x *exchange) rangeApplies(etag, modified, date string) bool {
	if len(x.r.Header["Range"]) != 1 {
		return false
	}
	condition, given := x.r.Header["If-Range"]
	return !given || len(condition) == 1 && httpfield.IfRange(condition[0], etag, modified, date)
}

// content is the body of a response, or a part of one: size is that of the whole.
type content struct {
	bytes      []byte
	from, size int64
}

func (c content) part(r httpfield.Range) []byte {
	return c.bytes[r.Start-c.from : r.Start-c.from+r.Length]
}

// unsatisfiable answers 416 (RFC 9110 §15.5.17).
func (x *exchange) unsatisfiable(size int) {
	h := x.w.Header()
	h["Content-Range"] = []string{fmt.Sprintf("bytes */%d", size)}
	h["Content-Length"] = []string{"0"}
	x.w.WriteHeader(x.status)
}

// withoutDigests takes away what is only true of all the bytes of one message.
func withoutDigests(h http.Header) {
	delete(h, "Content-Digest")
	delete(h, "Content-Md5")
}

// sendRanges answers 206 with one range, or with several as parts.
func (x *exchange) sendRanges(ranges []httpfield.Range, c content) {
	withoutDigests(x.w.Header())
	if len(ranges) > 1 {
		x.sendParts(ranges, c)
		return
	}
	h, r := x.w.Header(), ranges[0]
	h["Content-Range"] = []string{contentRange(r, c.size)}
	h["Content-Length"] = []string{strconv.FormatInt(r.Length, 10)}
	x.w.WriteHeader(x.status)
	_, _ = x.w.Write(c.part(r))
}

func contentRange(r httpfield.Range, size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.Start, r.Start+r.Length-1, size)
}

// sendParts writes multipart/byteranges (RFC 9110 §14.6).
func (x *exchange) sendParts(ranges []httpfield.Range, c content) {
	h := x.w.Header()
	kind := h["Content-Type"]
	write := func(w io.Writer, boundary string) string {
		m := multipart.NewWriter(w)
		if boundary != "" {
			_ = m.SetBoundary(boundary)
		}
		for _, r := range ranges {
			part := textproto.MIMEHeader{"Content-Range": {contentRange(r, c.size)}}
			if len(kind) > 0 {
				part["Content-Type"] = kind
			}
			p, err := m.CreatePart(part)
			if err != nil {
				return ""
			}
			_, _ = p.Write(c.part(r))
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
