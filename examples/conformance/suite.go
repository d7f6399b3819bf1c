// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// test is what the suite's index says of one test.
type test struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	DependsOn   []string `json:"depends_on"`
	BrowserOnly bool     `json:"browser_only"`
	Suite       string   `json:"-"`
}

// The kinds of tests. A check asks what a cache does where it is free to choose,
// so both answers are right.
const (
	required = "required" // also where the index says nothing
	optimal  = "optimal"
	check    = "check"
)

// readCatalogue returns the tests for shared caches in the order of the index.
func readCatalogue(text []byte) ([]test, error) {
	var suites []struct {
		ID    string `json:"id"`
		Tests []test `json:"tests"`
	}
	if err := json.Unmarshal(text, &suites); err != nil {
		return nil, fmt.Errorf("the suite's index: %w", err)
	}
	var tests []test
	known := map[string]bool{}
	for _, s := range suites {
		for _, t := range s.Tests {
			if t.BrowserOnly {
				continue
			}
			if t.Kind == "" {
				t.Kind = required
			}
			t.Suite = s.ID
			if known[t.ID] {
				return nil, fmt.Errorf("the suite's index: test %q stands there twice", t.ID)
			}
			if !slices.Contains([]string{required, optimal, check}, t.Kind) {
				return nil, fmt.Errorf("the suite's index: test %q is of the unknown kind %q", t.ID, t.Kind)
			}
			known[t.ID] = true
			tests = append(tests, t)
		}
	}
	return tests, checkDependencies(tests, known)
}

// checkDependencies fails where a test waits for one that there isn't: it would
// never be judged.
func checkDependencies(tests []test, known map[string]bool) error {
	for _, t := range tests {
		for _, id := range t.DependsOn {
			if !known[id] {
				return fmt.Errorf("the suite's index: test %q depends on %q, which is unknown", t.ID, id)
			}
		}
	}
	return nil
}

// results are what the suite's client found, by test.
type results map[string]result

// result is true, or a pair of the kind of failure and its message.
type result struct {
	passed  bool
	message string
}

func (r *result) UnmarshalJSON(text []byte) error {
	if string(text) == "true" {
		r.passed = true
		return nil
	}
	var failure [2]string
	if err := json.Unmarshal(text, &failure); err != nil {
		return fmt.Errorf("a result is neither true nor a pair: %s", text)
	}
	r.message = failure[1]
	if failure[0] != "Assertion" {
		r.message = failure[0] + ": " + failure[1]
	}
	return nil
}
