// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// ParseTargeted reads the lines of a targeted field such as CDN-Cache-Control
// (RFC 9213 §2.1), a Structured Fields dictionary. It reports false if the field
// is empty or not valid as a whole: then it counts as not present, else
// Cache-Control, Expires and Pragma do.
func ParseTargeted(lines []string) (Response, bool) {
	members, ok := parseDictionary(strings.Join(lines, ", "))
	if !ok || len(members) == 0 {
		return Response{}, false
	}
	r := newResponse()
	for name, v := range members {
		r.addTargeted(name, v)
	}
	r.settle()
	return r, true
}

func (r *Response) addTargeted(name string, v sfItem) {
	if v.kind == sfBoolean && !v.truth { // no-store=?0 says that it is not meant
		return
	}
	switch name {
	case "must-understand":
		r.MustUnderstand = true
	case "no-store", "public", "must-revalidate", "proxy-revalidate", "no-transform", "immutable":
		r.add(name)
	case "no-cache":
		qualify(&r.NoCache, &r.NoCacheFields, v.fieldNames())
	case "private":
		qualify(&r.Private, &r.PrivateFields, v.fieldNames())
	case "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error":
		r.addTargetedDuration(name, v)
	}
}

// addTargetedDuration takes Integers only (RFC 9213 §2.1); anything else is a
// bad value of the directive, not of the field.
func (r *Response) addTargetedDuration(name string, v sfItem) {
	if v.kind != sfInteger || v.number < 0 {
		r.addBad(name)
		return
	}
	d := time.Duration(min(v.number, 1<<31-1)) * time.Second
	switch name {
	case "max-age":
		r.MaxAge = d
	case "s-maxage":
		r.SMaxAge = d
	case "stale-while-revalidate":
		r.StaleWhileRevalidate = d
	case "stale-if-error":
		r.StaleIfError = d
	}
}

// fieldNames returns the names in a qualified form's String or Token, nothing
// for other types, which leaves the directive unqualified.
func (v sfItem) fieldNames() cacheobject.FieldNames {
	names := cacheobject.FieldNames{}
	if v.kind != sfString && v.kind != sfToken {
		return names
	}
	for name := range strings.SplitSeq(v.text, ",") {
		names[http.CanonicalHeaderKey(strings.Trim(name, " \t"))] = true
	}
	return names
}
