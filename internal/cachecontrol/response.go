// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"net/http"
	"slices"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// Response holds the directives of a response (RFC 9111 §5.2.2).
type Response struct {
	NoStore         bool // §5.2.2.5
	NoCache         bool // §5.2.2.4, without field names
	Private         bool // §5.2.2.7, without field names
	Public          bool // §5.2.2.9
	MustRevalidate  bool // §5.2.2.2
	ProxyRevalidate bool // §5.2.2.8
	MustUnderstand  bool // §5.2.2.3
	NoTransform     bool // §5.2.2.6
	Immutable       bool // RFC 8246

	// The canonical, sorted names of the qualified forms no-cache="…" and
	// private="…". Nil if the directive stands unqualified as well, which
	// outranks them.
	NoCacheFields []string
	PrivateFields []string

	// Absent when not given. MaxAge and SMaxAge are 0 when given, but not
	// readable; a window that is not readable counts as not given.
	MaxAge               time.Duration // §5.2.2.1
	SMaxAge              time.Duration // §5.2.2.10
	StaleWhileRevalidate time.Duration // RFC 5861 §3
	StaleIfError         time.Duration // RFC 5861 §4
}

// ParseResponse reads the lines of a response's Cache-Control. Of directives
// that contradict each other, the most restrictive is kept.
func ParseResponse(lines []string) Response {
	r := newResponse()
	for d := range directives(lines) {
		r.add(d)
	}
	r.settle()
	return r
}

func newResponse() Response {
	return Response{MaxAge: Absent, SMaxAge: Absent, StaleWhileRevalidate: Absent, StaleIfError: Absent}
}

func (r *Response) add(directive string) {
	name := nameOf(directive)
	if flag := r.flag(name); flag != nil {
		// RFC 9111 §5.2.2 defines no argument: it is ignored, the directive counts.
		*flag = *flag || !permits(name) || isPlain(directive[len(name):])
		return
	}
	parsed, err := cacheobject.ParseResponseCacheControl(directive)
	if err != nil || !isReadable(name, directive[len(name):]) {
		r.addBad(name)
		return
	}
	r.addArgument(name, parsed)
}

// isReadable: lists of field names are looked at in qualify.
func isReadable(name, rest string) bool {
	if name == "no-cache" || name == "private" {
		_, ok := argumentOf(rest)
		return ok
	}
	return isSeconds(rest)
}

// flag returns the place of a directive without an argument, nil if name isn't one.
func (r *Response) flag(name string) *bool {
	switch name {
	case "no-store":
		return &r.NoStore
	case "public":
		return &r.Public
	case "must-revalidate":
		return &r.MustRevalidate
	case "proxy-revalidate":
		return &r.ProxyRevalidate
	case "must-understand":
		return &r.MustUnderstand
	case "no-transform":
		return &r.NoTransform
	case "immutable":
		return &r.Immutable
	}
	return nil
}

// permits reports whether a directive without an argument lets more happen than
// could without it: must-understand lifts a no-store (RFC 9111 §5.2.2.3).
func permits(name string) bool {
	return name == "public" || name == "immutable" || name == "must-understand"
}

// isPlain reports whether what follows a name is nothing or an argument. Anything
// else, as in public:x, makes it doubtful that this directive was meant.
func isPlain(rest string) bool { return rest == "" || rest[0] == '=' }

// addBad keeps of an unreadable directive what protects.
func (r *Response) addBad(name string) {
	switch name {
	case "max-age": // RFC 9111 §4.2.1: invalid freshness information means stale
		r.MaxAge = 0
	case "s-maxage":
		r.SMaxAge = 0
	case "no-cache":
		r.NoCache = true
	case "private":
		r.Private = true
	}
}

// addArgument takes from what the library read the directive that is named, and
// nothing else: it also reads what stands in quotes behind another name, and its zero
// values don't tell 0 from absent everywhere.
func (r *Response) addArgument(name string, p *cacheobject.ResponseCacheDirectives) {
	switch name {
	case "no-cache":
		qualify(&r.NoCache, &r.NoCacheFields, p.NoCache)
	case "private":
		qualify(&r.Private, &r.PrivateFields, p.Private)
	case "max-age":
		tighten(&r.MaxAge, seconds(p.MaxAge))
	case "s-maxage":
		tighten(&r.SMaxAge, seconds(p.SMaxAge))
	case "stale-while-revalidate":
		tighten(&r.StaleWhileRevalidate, seconds(p.StaleWhileRevalidate))
	case "stale-if-error":
		tighten(&r.StaleIfError, seconds(p.StaleIfError))
	}
}

// qualify adds the field names of a qualified directive. Without names, or with
// one that can't be a field's, it counts as unqualified, which RFC 9111 §5.2.2.4
// and §5.2.2.7 allow for any of them.
func qualify(whole *bool, fields *[]string, names cacheobject.FieldNames) {
	if len(names) == 0 {
		*whole = true
	}
	for name := range names {
		if !isFieldName(name) {
			*whole = true
			continue
		}
		*fields = append(*fields, http.CanonicalHeaderKey(name))
	}
}

// isFieldName refuses truth values: private=true doesn't mean a field True.
func isFieldName(s string) bool {
	switch s {
	case "0", "1", "True", "False", "Yes", "No":
		return false
	}
	return isName(s)
}

// settle puts the field names in order and drops them where the unqualified
// form stands too.
func (r *Response) settle() {
	r.NoCacheFields = settled(r.NoCache, r.NoCacheFields)
	r.PrivateFields = settled(r.Private, r.PrivateFields)
}

func settled(whole bool, fields []string) []string {
	if whole {
		return nil
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
