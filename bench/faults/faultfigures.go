// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// faultFigures has what is compared between caches: a row for each way to fail, and
// sums.
func faultFigures(l limits, phases []phase) (found []figure) {
	var all, well []holdovertest.Answer
	for _, p := range phases {
		all = append(all, p.answers...)
		if p.failing() {
			found = append(found, figure{"origin: " + p.name, failingFigure(&p)})
		} else {
			well = append(well, p.answers...)
		}
	}
	stale, of := staleWhileHealthy(phases)
	sum := holdovertest.NewReport(time.Time{}, lifetime+noise, all)
	healthySum := holdovertest.NewReport(time.Time{}, lifetime+noise, well)
	return append(found,
		figure{"origin: healthy", fmt.Sprintf("%.2f %%, p99 %s", 100-percent(healthySum.Failed, healthySum.Answers), milliseconds(healthySum.P99))},
		figure{"answered in all", fmt.Sprintf("%.2f %%", 100-percent(sum.Failed, sum.Answers))},
		figure{"stale while healthy", fmt.Sprintf("%.1f %%", percent(stale, of))},
		figure{"of that, more than a second too old", fmt.Sprintf("%.1f %%", percent(tooOld(phases), of))},
		figure{"asked a second while it fails, after 2 s", failingRate(phases)},
		figure{"cold pages answered honestly", coldFigure(l, phases)},
	)
}

// tooOld is how many of the answers that staleWhileHealthy counts are stale also for those who
// count in whole seconds.
func tooOld(phases []phase) (n int) {
	for _, p := range phases {
		if p.failing() {
			continue
		}
		for _, a := range p.after(0).answers {
			if a.Age() > lifetime+time.Second+noise {
				n++
			}
		}
	}
	return n
}

func failingFigure(p *phase) string {
	r := p.report()
	return fmt.Sprintf("%.1f %%, p99 %s, asked %d", 100-percent(r.Failed, r.Answers), milliseconds(r.P99), r.Arrivals)
}

// failingRate is how often the origin was asked for warm pages. While it refuses, nobody
// can count.
func failingRate(phases []phase) string {
	var asked int
	var time time.Duration
	for _, p := range phases {
		if p.settles() {
			asked += len(p.after(settling).asked())
			time += p.lasted() - settling
		}
	}
	if time == 0 {
		return "not measured"
	}
	return fmt.Sprintf("%.1f", float64(asked)/time.Seconds())
}

func coldFigure(l limits, phases []phase) string {
	var right, all int
	var slow time.Duration
	for _, p := range phases {
		for _, a := range p.cold {
			all++
			if honest(l, p.behaviour, a) == nil {
				right++
			}
			if !p.drips {
				slow = max(slow, a.Took)
			}
		}
	}
	return fmt.Sprintf("%d of %d, slowest %s", right, all, seconds(slow))
}
