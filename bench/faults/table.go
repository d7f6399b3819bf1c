// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdover-go/holdover/holdovertest"
)

// table is rows of cells, the first one the heads.
type table [][]string

// String writes it as Markdown, with columns that line up.
func (t table) String() string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 1)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for i, row := range t {
		t.write(&b, row, widths, " ")
		if i == 0 {
			t.write(&b, make([]string, len(row)), widths, "-")
		}
	}
	return b.String()
}

func (table) write(b *strings.Builder, row []string, widths []int, fill string) {
	for i, cell := range row {
		b.WriteString("|" + fill + cell + strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)) + fill)
	}
	b.WriteString("|\n")
}

// phaseTable has a row for each phase of a cache.
func phaseTable(phases []phase) string {
	t := table{{"origin", "answers", "failed", "stale", "last stale", "p50", "p99", "max", "asked", "after 2 s", "cold", "slowest cold"}}
	for _, p := range phases {
		r := p.report()
		after := ""
		if p.failing() {
			after = fmt.Sprint(len(p.after(settling).asked()))
		}
		t = append(t, []string{
			p.name, fmt.Sprint(r.Answers), fmt.Sprint(r.Failed), fmt.Sprint(r.Stale), seconds(r.LastStale),
			milliseconds(r.P50), milliseconds(r.P99), milliseconds(r.Max), fmt.Sprint(r.Arrivals), after,
			fmt.Sprint(len(p.cold)), seconds(slowest(p.cold)),
		})
	}
	return t.String()
}

// legend explains the columns of phaseTable.
const legend = `asked: requests for warm pages that reached the origin; after 2 s: those later than that in a failing phase, the repeated ones once.
last stale: when in the phase a stale page was last asked for; cold: pages nobody had asked for, clients wait 1.5 s longer than -hard for them.
`

func slowest(answers []holdovertest.Answer) (took time.Duration) {
	for _, a := range answers {
		took = max(took, a.Took)
	}
	return took
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// comparison has a column for each cache.
func comparison(results []result) string {
	head := []string{""}
	for _, r := range results {
		head = append(head, r.site)
	}
	t := table{head}
	for i, f := range results[0].figures {
		row := []string{f.what}
		for _, r := range results {
			row = append(row, r.figures[i].value)
		}
		t = append(t, row)
	}
	for i, v := range results[0].verdicts {
		row := []string{"promise: " + v.name}
		for _, r := range results {
			row = append(row, r.verdicts[i].word())
		}
		t = append(t, row)
	}
	return t.String()
}

func (v verdict) word() string {
	switch {
	case len(v.missed) > 0:
		return "missed"
	case v.unjudged != "":
		return "not judged"
	}
	return "kept"
}

// verdictLines says of each promise whether it was kept, and if it wasn't, why.
func verdictLines(verdicts []verdict) string {
	var b strings.Builder
	for _, v := range verdicts {
		fmt.Fprintf(&b, "%-10s  %s: %s\n", v.word(), v.name, v.promise)
		if v.word() == "not judged" {
			fmt.Fprintf(&b, "            %s\n", v.unjudged)
		}
		for _, why := range v.missed[:min(len(v.missed), mostReasons)] {
			fmt.Fprintf(&b, "            %.200s\n", why)
		}
		if more := len(v.missed) - mostReasons; more > 0 {
			fmt.Fprintf(&b, "            and %d more\n", more)
		}
	}
	return b.String()
}

const mostReasons = 10
