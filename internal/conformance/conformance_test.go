// SPDX-License-Identifier: MIT

package conformance

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	idForm   = regexp.MustCompile(`^[0-9]+-[0-9a-z.]+(-[0-9a-z]+)+$`)
	citeForm = regexp.MustCompile(`^RFC [0-9]+ §[0-9A-Z.]+(, RFC [0-9]+ §[0-9A-Z.]+)*$`)
	firstRef = regexp.MustCompile(`^RFC ([0-9]+) §([0-9A-Z.]+)`)
)

func TestCasesAreWellFormed(t *testing.T) {
	require.NotEmpty(t, Cases())
	for id, n := range count(Cases()) {
		require.Equal(t, 1, n, "%s is there more than once", id)
	}
	for _, c := range Cases() {
		t.Run(c.ID, func(t *testing.T) { require.Empty(t, flaws(c)) })
	}
}

func count(cases []Case) map[string]int {
	ids := make(map[string]int)
	for _, c := range cases {
		ids[c.ID]++
	}
	return ids
}

// flaws are what is wrong with how a case is written.
func flaws(c Case) (found []string) {
	flaw := func(bad bool, what string) {
		if bad {
			found = append(found, what)
		}
	}
	flaw(!idForm.MatchString(c.ID), "the ID isn't number-section-words")
	flaw(!citeForm.MatchString(c.Cite), "the citation isn't RFC n §s, RFC n §s")
	if ref := firstRef.FindStringSubmatch(c.Cite); ref != nil {
		flaw(!strings.HasPrefix(c.ID, ref[1]+"-"+strings.ToLower(ref[2])+"-"), "the ID doesn't begin with the section of the first citation")
	}
	flaw(c.Title == "", "no title")
	flaw(len(c.Steps) == 0, "no steps")
	for tr, why := range c.Not {
		flaw(!slices.Contains(Transports[:], tr), "an unknown transport")
		flaw(why == "", "a transport is left out for no reason")
	}
	flaw(len(c.Not) == len(Transports), "no transport is left")
	for i, s := range c.Steps {
		flaw(s.WantRFC != nil && c.For != Both, "WantRFC in a case for one profile")
		for _, w := range s.wants() {
			_, _, err := parseRange(w.callRange(), "-")
			flaw(err != nil, "Calls is no range")
			flaw(w.Of < 0 || w.Of > i+1, "Of names no step up to this one")
			flaw(w.By == Own && w.Status == 0, "an answer of the cache's own must have a status")
			flaw(w.Status == 206 && w.By != Forwarded && w.Body == "" && w.Parts == nil, "a part from the store needs its body said")
		}
		for _, line := range s.lines() {
			left := blanks{}.expand(line)
			flaw(strings.Contains(left, "{now") || strings.Contains(left, "{start"), "no date: "+line)
		}
	}
	return found
}

func (s Step) wants() []Want {
	list := []Want{s.Want}
	if s.WantRFC != nil {
		list = append(list, *s.WantRFC)
	}
	for _, other := range s.Also {
		list = append(list, other.Want)
	}
	return list
}

func (s Step) lines() []string {
	lines := slices.Concat(s.Request.Header, s.Origin.Header, s.Origin.Trailer)
	for _, a := range s.Then {
		lines = append(lines, a.Header...)
	}
	for _, other := range s.Also {
		lines = append(lines, other.Request.Header...)
	}
	return lines
}

func TestFlawsAreFound(t *testing.T) {
	good := Case{ID: "9111-4.2-x", Cite: "RFC 9111 §4.2", Title: "x", Steps: []Step{{}}}
	require.Empty(t, flaws(good))
	for what, spoil := range map[string]func(c *Case){
		"the ID isn't number-section-words":                           func(c *Case) { c.ID = "9111-4.2-X" },
		"the citation isn't RFC n §s, RFC n §s":                       func(c *Case) { c.Cite = "RFC 9111, 4.2" },
		"the ID doesn't begin with the section of the first citation": func(c *Case) { c.Cite = "RFC 9111 §4" },
		"no title":                                        func(c *Case) { c.Title = "" },
		"no steps":                                        func(c *Case) { c.Steps = nil },
		"a transport is left out for no reason":           func(c *Case) { c.Not = OnlyDirect("") },
		"WantRFC in a case for one profile":               func(c *Case) { c.For, c.Steps[0].WantRFC = Safe, &Want{} },
		"Calls is no range":                               func(c *Case) { c.Steps[0].Want.Calls = "3-2" },
		"Of names no step up to this one":                 func(c *Case) { c.Steps[0].Want.Of = 2 },
		"an answer of the cache's own must have a status": func(c *Case) { c.Steps[0].Want.By = Own },
		"a part from the store needs its body said":       func(c *Case) { c.Steps[0].Want = Want{By: Stored, Status: 206} },
		"no date: Date: {now-1day}":                       func(c *Case) { c.Steps[0].Origin.Header = Lines{"Date: {now-1day}"} },
	} {
		c := good
		c.Steps = []Step{{}}
		spoil(&c)
		require.Contains(t, flaws(c), what)
	}
}
