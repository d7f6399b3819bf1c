// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// evaluated judges a small suite whose profile safe has these results, while all
// is well with profile rfc.
func evaluated(t *testing.T, safe results, list string) outcome {
	t.Helper()
	tests := []test{
		{ID: "must", Kind: required, Suite: "age"},
		{ID: "should", Kind: optimal, Suite: "age"},
		{ID: "after", Kind: required, Suite: "vary", DependsOn: []string{"must"}},
		{ID: "may", Kind: check, Suite: "vary"},
	}
	accepted, err := parseDeviations(list)
	require.NoError(t, err)
	return evaluate(tests, map[string]results{"safe": safe, "rfc": good("")}, accepted, len(tests))
}

// good is a run in which only this test fails.
func good(failing string) results {
	r := results{}
	for _, id := range []string{"must", "should", "after", "may"} {
		r[id] = result{passed: id != failing, message: "no"}
	}
	return r
}

func without(id string) results {
	r := good("")
	delete(r, id)
	return r
}

func TestEvaluate(t *testing.T) {
	for _, tc := range []struct {
		name     string
		safe     results
		list     string
		accepted []string
		problems []string
	}{
		{name: "all pass", safe: good("")},
		{name: "a check says no", safe: good("may")},
		{
			name: "unlisted failure", safe: good("should"),
			problems: []string{"should fails and isn't listed: no"},
		},
		{
			name: "listed for the other profile", safe: good("should"), list: "rfc should Reason.",
			problems: []string{"should fails and isn't listed: no", "should is listed, but passes: take it off the list"},
		},
		{
			name: "listed failure", safe: good("should"), list: "safe should Reason.",
			accepted: []string{"should no"},
		},
		{
			name: "dependency fails", safe: good("must"), list: "safe must Reason.",
			accepted: []string{"must no"},
		},
		{
			name: "listed passes", safe: good(""), list: "safe must Reason.",
			problems: []string{"must is listed, but passes: take it off the list"},
		},
		{
			name: "listed isn't judged", safe: good("must"), list: "safe must Reason.\nsafe after Reason.",
			accepted: []string{"must no"},
			problems: []string{"after is listed, but isn't judged, because of a test that it depends on: take it off the list"},
		},
		{
			name: "listed is a check", safe: good("may"), list: "safe may Reason.",
			problems: []string{"may is listed, but is a check, which can't fail: take it off the list"},
		},
		{
			name: "listed is unknown", safe: good(""), list: "safe typo Reason.",
			problems: []string{"typo is listed, but the suite has no such test: take it off the list"},
		},
		{
			name: "missing", safe: without("should"),
			problems: []string{"should has no result", " only 3 tests ran, not 4"},
		},
		{
			name: "missing check", safe: without("may"),
			problems: []string{"may has no result", " only 3 tests ran, not 4"},
		},
		{
			name: "missing and listed", safe: without("should"), list: "safe should Reason.",
			problems: []string{"should has no result", " only 3 tests ran, not 4"},
		},
		{
			name: "nothing ran",
			problems: []string{
				"must has no result", "should has no result", "after has no result", "may has no result",
				" only 0 tests ran, not 4",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := evaluated(t, tc.safe, tc.list)
			require.Equal(t, tc.accepted, said(o.accepted))
			require.Equal(t, tc.problems, said(o.problems))
			require.Equal(t, len(tc.problems) == 0, report(new(strings.Builder), o))
		})
	}
}

func said(findings []finding) (lines []string) {
	for _, f := range findings {
		lines = append(lines, f.test+" "+f.what)
	}
	return lines
}

// A suite that lost tests has a result for each that is left.
func TestShrunkenSuiteIsAProblem(t *testing.T) {
	tests := []test{{ID: "must", Kind: required}}
	runs := map[string]results{"safe": good(""), "rfc": good("")}
	o := evaluate(tests, runs, nil, 2)
	require.Equal(t, []string{" only 1 tests ran, not 2", " only 1 tests ran, not 2"}, said(o.problems))
}

func TestAProblemCountsWhereASecondRunHasIt(t *testing.T) {
	in := func(profile, test string) finding { return finding{profile: profile, test: test, kind: required} }
	twice, once, other := in("rfc", "twice"), in("rfc", "once"), in("safe", "twice")
	runs := 0
	judged, err := confirmed(func() (outcome, error) {
		runs++
		return []outcome{{problems: []finding{once, twice}}, {problems: []finding{twice, other}}}[runs-1], nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	require.Equal(t, []finding{twice}, judged.problems)
	require.ElementsMatch(t, []finding{once, other}, judged.passing)
}

func TestARunAsExpectedIsNotRepeated(t *testing.T) {
	runs := 0
	_, err := confirmed(func() (outcome, error) { runs++; return outcome{}, nil })
	require.NoError(t, err)
	require.Equal(t, 1, runs)
}
