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
	rounded := 0 // stale also for those who count in whole seconds
	for _, a := range well {
		if a.Age() > lifetime+time.Second+noise {
			rounded++
		}
	}
	sum := holdovertest.NewReport(time.Time{}, lifetime+noise, all)
	healthySum := holdovertest.NewReport(time.Time{}, lifetime+noise, well)
	return append(found,
		figure{"origin: healthy", fmt.Sprintf("%.2f %%, p99 %s", 100-percent(healthySum.Failed, healthySum.Answers), milliseconds(healthySum.P99))},
		figure{"answered in all", fmt.Sprintf("%.2f %%", 100-percent(sum.Failed, sum.Answers))},
		figure{"stale while healthy", fmt.Sprintf("%.1f %%", percent(stale, of))},
		figure{"of that, more than a second too old", fmt.Sprintf("%.1f %%", percent(rounded, of))},
		figure{"asked a second while it fails, after 2 s", fmt.Sprintf("%.1f", failingRate(phases))},
		figure{"cold pages answered honestly", coldFigure(l, phases)},
	)
}

func failingFigure(p *phase) string {
	r := p.report()
	return fmt.Sprintf("%.1f %%, p99 %s, asked %d", 100-percent(r.Failed, r.Answers), milliseconds(r.P99), r.Arrivals)
}

// failingRate is how often the origin was asked for warm pages. While it refuses, nobody
// can count.
func failingRate(phases []phase) float64 {
	var asked int
	var time time.Duration
	for _, p := range phases {
		if p.failing() && !p.refuses {
			asked += len(p.after(settling).asked())
			time += max(p.lasted()-settling, 0)
		}
	}
	if time == 0 {
		return 0
	}
	return float64(asked) / time.Seconds()
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
