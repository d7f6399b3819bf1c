// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// partsOf are the parts of a multipart/byteranges answer in the form of Want.Parts, or
// what is wrong with it (RFC 9110 §14.6).
func partsOf(g got) []string {
	kind, params, err := mime.ParseMediaType(g.header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" || params["boundary"] == "" {
		return []string{"no multipart/byteranges with a boundary"}
	}
	if len(g.header["Content-Range"]) > 0 {
		return []string{"a Content-Range in the header"} // RFC 9110 §15.3.7.2
	}
	return readParts(multipart.NewReader(strings.NewReader(string(g.body)), params["boundary"]))
}

func readParts(r *multipart.Reader) (parts []string) {
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			return append(parts, err.Error())
		}
		body, _ := io.ReadAll(p)
		given, inBytes := strings.CutPrefix(p.Header.Get("Content-Range"), "bytes ")
		if !inBytes {
			return append(parts, "a part without its Content-Range")
		}
		parts = append(parts, given+" "+string(body))
	}
}

// rightParts compares the parts of an answer, as rightBody does its body.
func rightParts(t turn) (expected string, ok bool) {
	parts := partsOf(t.got)
	return fmt.Sprintf("parts %q, not %q, in", t.want.Parts, parts), t.got.status == http.StatusPartialContent && slices.Equal(parts, t.want.Parts)
}
