// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"maps"
	"slices"
)

// outcome is a whole run, judged.
type outcome struct {
	scores   []score   // by suite, in the order of the index
	accepted []finding // listed, and fails
	problems []finding // everything that must be looked at
	passing  []finding // problems of one of two runs only
}

// finding is about a test in a profile, or about the whole run of a profile.
type finding struct {
	profile string
	test    string
	kind    string
	what    string
}

// score counts a suite's tests by profile and kind.
type score struct {
	suite  string
	counts map[cell]count
}

type cell struct{ profile, kind string }

type count struct{ passed, of int }

// evaluate compares the runs with the list. Each must have at least wanted results.
func evaluate(tests []test, runs map[string]results, accepted deviations, wanted int) outcome {
	var o outcome
	for _, p := range profiles {
		verdicts := judge(tests, runs[p.name])
		o.tally(p.name, tests, verdicts)
		o.compare(p.name, tests, verdicts, runs[p.name], accepted[p.name])
		o.checkList(p.name, tests, verdicts, accepted[p.name])
		o.checkSize(p.name, tests, verdicts, wanted)
	}
	return o
}

// tally adds a profile to the scores.
func (o *outcome) tally(profile string, tests []test, verdicts map[string]verdict) {
	for _, t := range tests {
		s := o.score(t.Suite)
		c := s.counts[cell{profile, t.Kind}]
		c.of++
		if verdicts[t.ID] == passed {
			c.passed++
		}
		s.counts[cell{profile, t.Kind}] = c
	}
}

func (o *outcome) score(suite string) score {
	i := slices.IndexFunc(o.scores, func(s score) bool { return s.suite == suite })
	if i < 0 {
		i = len(o.scores)
		o.scores = append(o.scores, score{suite, map[cell]count{}})
	}
	return o.scores[i]
}

// compare finds what failed, and whether it may.
func (o *outcome) compare(profile string, tests []test, verdicts map[string]verdict, found results, list map[string]string) {
	for _, t := range tests {
		f := finding{profile, t.ID, t.Kind, found[t.ID].message}
		switch _, listed := list[t.ID]; {
		case verdicts[t.ID] == missing:
			f.what = "has no result"
			o.problems = append(o.problems, f)
		case verdicts[t.ID] != failed || t.Kind == check:
		case listed:
			o.accepted = append(o.accepted, f)
		default:
			f.what = "fails and isn't listed: " + f.what
			o.problems = append(o.problems, f)
		}
	}
}

// checkList finds lines of the list that no failure needs: they would hide a later one.
func (o *outcome) checkList(profile string, tests []test, verdicts map[string]verdict, list map[string]string) {
	kinds := map[string]string{}
	for _, t := range tests {
		kinds[t.ID] = t.Kind
	}
	for _, id := range slices.Sorted(maps.Keys(list)) {
		kind := kinds[id]
		if what := needless(kind, verdicts[id]); what != "" {
			o.problems = append(o.problems, finding{profile, id, kind, "is listed, but " + what + ": take it off the list"})
		}
	}
}

// needless is why a listed test need not be listed, "" if it need be.
func needless(kind string, v verdict) string {
	switch {
	case kind == "":
		return "the suite has no such test"
	case kind == check:
		return "is a check, which can't fail"
	case v == passed:
		return "passes"
	case v == blocked:
		return "isn't judged, because of a test that it depends on"
	}
	return ""
}

// checkSize keeps a run that broke off, or a suite that lost tests, from passing.
func (o *outcome) checkSize(profile string, tests []test, verdicts map[string]verdict, wanted int) {
	ran := 0
	for _, t := range tests {
		if verdicts[t.ID] != missing {
			ran++
		}
	}
	if ran < wanted {
		what := fmt.Sprintf("only %d tests ran, not %d", ran, wanted)
		o.problems = append(o.problems, finding{profile: profile, what: what})
	}
}

// keepProblemsOf leaves the problems that an earlier run had too.
func (o *outcome) keepProblemsOf(earlier outcome) {
	both := func(list []finding, f finding) bool {
		return slices.ContainsFunc(list, func(g finding) bool { return g.profile == f.profile && g.test == f.test })
	}
	var kept []finding
	for _, f := range o.problems {
		if both(earlier.problems, f) {
			kept = append(kept, f)
		} else {
			o.passing = append(o.passing, f)
		}
	}
	for _, f := range earlier.problems {
		if !both(o.problems, f) {
			o.passing = append(o.passing, f)
		}
	}
	o.problems = kept
}
