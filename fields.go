// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// ownLengthFrom is the size of the bodies for which net/http doesn't find out the length
// itself. Below it the field is left out, since each costs a hit its assignment.
const ownLengthFrom = 2048

// storedFields is the header as it is stored, in the order of names.
func (p *rules) storedFields(h http.Header, cc cachecontrol.Response, bodyLen int, status int) []store.Field {
	h = p.sharedHeader(h, cc)
	delete(h, "Age")
	if _, given := h["Content-Length"]; status != http.StatusNoContent && (given || bodyLen >= ownLengthFrom) {
		h["Content-Length"] = []string{strconv.Itoa(bodyLen)}
	}
	fields := make([]store.Field, 0, len(h))
	for name, values := range h {
		if len(values) > 0 {
			fields = append(fields, store.Field{Name: name, Values: values})
		}
	}
	slices.SortFunc(fields, func(a, b store.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// sharedHeader is the header as others may have it: without what belongs to the
// connection, to one client alone, or is qualified as private.
func (p *rules) sharedHeader(h http.Header, cc cachecontrol.Response) http.Header {
	h = h.Clone()
	httpfield.StripHopByHop(h)
	for _, name := range cc.PrivateFields { // RFC 9111 §5.2.2.7
		delete(h, name)
	}
	for _, name := range cc.NoCacheFields { // RFC 9111 §5.2.2.4
		delete(h, name)
	}
	if p.setCookie != StoreSetCookie {
		delete(h, "Set-Cookie")
		delete(h, "Set-Cookie2")
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(h, name)
		}
	}
	return h
}
