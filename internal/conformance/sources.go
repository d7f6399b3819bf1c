// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"slices"
	"strings"
)

// sources are the calls of the origin that an answer may be of.
func (p *performance) sources(t turn, calls []*call) []*call {
	want := t.want
	switch {
	case want.Of > 0:
		return p.origin.seen(want.Of)
	case want.By == Own, want.By == Anyone:
		return nil
	case want.By == Stored, want.By == Stale, want.By == Validated && allNotModified(calls):
		return p.stored(t.request)
	}
	return slices.DeleteFunc(slices.Clone(calls), func(c *call) bool { return !c.fits(t.request, p.origin.blanks) })
}

func allNotModified(calls []*call) bool {
	return len(calls) > 0 && !slices.ContainsFunc(calls, func(c *call) bool { return c.status() != http.StatusNotModified })
}

// stored finds what was stored last for a request, as far as can be told from outside.
func (p *performance) stored(r Request) (found []*call) {
	for step := p.now() - 1; step > 0 && len(found) == 0; step-- {
		for _, c := range p.origin.seen(step) {
			whole := c.method != http.MethodHead && c.status() != http.StatusNotModified && c.answer.Fail == Nothing
			if whole && c.fits(r, p.origin.blanks) {
				found = append(found, c)
			}
		}
	}
	return found
}

// fits reports whether an answer may be given to a request: the same target, and the
// same values in the fields that the answer's Vary names.
func (c *call) fits(r Request, b blanks) bool {
	answered, asked := http.Header{}, http.Header{}
	b.set(answered, c.answer.Header)
	b.set(asked, r.Header)
	for _, name := range split(joined(answered["Vary"]), ',') {
		if joined(asked.Values(name)) != joined(c.header.Values(name)) {
			return false
		}
	}
	return c.target == r.target() && (r.Host == "" || strings.EqualFold(r.Host, c.host))
}
