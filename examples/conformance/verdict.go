// SPDX-License-Identifier: MIT

package main

// verdict is what becomes of a test's result.
type verdict int

const (
	missing verdict = iota // the suite's client left no result
	passed
	failed
	blocked // a test that it builds on didn't pass, so its result means nothing
)

// judge weighs the results as the suite's own reports do: only where all that a
// test depends on passed does its own result count. Dependencies may be checks.
func judge(tests []test, found results) map[string]verdict {
	j := judgement{map[string]test{}, found, map[string]verdict{}}
	for _, t := range tests {
		j.tests[t.ID] = t
	}
	for _, t := range tests {
		j.of(t.ID)
	}
	return j.verdicts
}

type judgement struct {
	tests    map[string]test
	found    results
	verdicts map[string]verdict
}

func (j judgement) of(id string) verdict {
	if v, known := j.verdicts[id]; known {
		return v
	}
	j.verdicts[id] = blocked // should tests depend on one another in a circle
	j.verdicts[id] = j.decide(id)
	return j.verdicts[id]
}

func (j judgement) decide(id string) verdict {
	own, ran := j.found[id]
	if !ran {
		return missing
	}
	for _, other := range j.tests[id].DependsOn {
		if j.of(other) != passed {
			return blocked
		}
	}
	if own.passed {
		return passed
	}
	return failed
}
