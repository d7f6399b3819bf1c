// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (a Answer) clone() Answer {
	a.Header = a.Header.Clone()
	a.Body = slices.Clone(a.Body)
	return a
}

// given reports whether anything of the answer was set.
func (a Answer) given() bool { return a.Status != 0 || a.Header != nil || a.Body != nil }

func (a Answer) withDefaults() Answer {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	return a
}

// check names the part that can't be sent.
func (a Answer) check() (part string, err error) {
	if a.Status < 200 || a.Status > 599 || a.Status == http.StatusNotModified || a.Status == http.StatusPartialContent {
		return "Status", fmt.Errorf("%d is not a status that can be given by itself", a.Status)
	}
	if a.Status == http.StatusNoContent && len(a.Body) > 0 {
		return "Body", fmt.Errorf("goes with no status %d", a.Status)
	}
	for name, values := range a.Header {
		if !isToken(name) {
			return "Header", fmt.Errorf("%q is not a field name", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				return "Header", fmt.Errorf("the value of %s holds control characters", name)
			}
		}
	}
	return "", nil
}

// send writes an answer of Holdover's own. It is never stored by anyone else.
func (a Answer) send(w http.ResponseWriter, head bool, st status) {
	h := w.Header()
	for name, values := range a.Header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if _, ok := h["Cache-Control"]; !ok {
		h["Cache-Control"] = []string{"no-store"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	if a.Status == http.StatusNoContent {
		delete(h, "Content-Length")
	}
	appendStatus(h, st.String())
	w.WriteHeader(a.Status)
	if !head && len(a.Body) > 0 {
		_, _ = w.Write(a.Body)
	}
}

// plainError is an honest error of ours.
func plainError(status int) Answer {
	return Answer{
		Status: status,
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
		Body:   []byte(http.StatusText(status) + "\n"),
	}
}
