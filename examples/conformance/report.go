// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// report prints a run and tells whether it is as expected.
func report(w io.Writer, o outcome) bool {
	printScores(w, o.scores)
	if len(o.accepted) > 0 {
		fmt.Fprintln(w, "\nFailures that are listed, with the reason, in examples/conformance/deviations.txt:")
		printFindings(w, o.accepted)
	}
	if len(o.passing) > 0 {
		fmt.Fprintln(w, "\nFailures of one of two runs only:")
		printFindings(w, o.passing)
	}
	if len(o.problems) == 0 {
		fmt.Fprintln(w, "\nAll as expected.")
		return true
	}
	fmt.Fprintln(w, "\nNOT AS EXPECTED:")
	printFindings(w, o.problems)
	return false
}

// printScores prints a table with a row for each suite, and their sum.
func printScores(w io.Writer, scores []score) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprint(table, "passed / of\t")
	sum := score{"all", map[cell]count{}}
	for _, c := range columns() {
		fmt.Fprintf(table, "%s %s\t", c.profile, c.kind)
		for _, s := range scores {
			sum.counts[c] = count{sum.counts[c].passed + s.counts[c].passed, sum.counts[c].of + s.counts[c].of}
		}
	}
	fmt.Fprintln(table)
	for _, s := range scores {
		if s.judged() {
			printRow(table, s)
		}
	}
	printRow(table, sum)
}

func printRow(w io.Writer, s score) {
	fmt.Fprintf(w, "%s\t", s.suite)
	for _, c := range columns() {
		fmt.Fprintf(w, "%s\t", s.counts[c])
	}
	fmt.Fprintln(w)
}

// columns leaves the checks out: nothing is better or worse about them.
func columns() (cells []cell) {
	for _, p := range profiles {
		cells = append(cells, cell{p.name, required}, cell{p.name, optimal})
	}
	return cells
}

// judged is false for suites that consist of checks.
func (s score) judged() bool {
	return slices.ContainsFunc(columns(), func(c cell) bool { return s.counts[c].of > 0 })
}

func (c count) String() string {
	if c.of == 0 {
		return "-"
	}
	return fmt.Sprintf("%d / %d", c.passed, c.of)
}

// printFindings prints what both profiles share once.
func printFindings(w io.Writer, findings []finding) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	for _, f := range merge(findings) {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", f.profile, f.kind, f.test, f.what)
	}
}

func merge(findings []finding) (merged []finding) {
	for _, f := range findings {
		i := slices.IndexFunc(merged, func(m finding) bool { return m.test == f.test && m.what == f.what })
		if i < 0 {
			merged = append(merged, f)
		} else {
			merged[i].profile = both
		}
	}
	return merged
}
