// SPDX-License-Identifier: MIT

package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed deviations.txt
var deviationList string

// both stands for all profiles, in the list and in the report.
const both = "both"

// deviations are the failures that we stand by: profile, test, reason.
type deviations map[string]map[string]string

// parseDeviations reads lines of "PROFILE TEST REASON", where PROFILE may be both.
// Blank lines and those that begin with # are for people.
func parseDeviations(text string) (deviations, error) {
	list := deviations{}
	for _, p := range profiles {
		list[p.name] = map[string]string{}
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := list.add(line); err != nil {
			return nil, fmt.Errorf("deviations.txt line %d: %w", number, err)
		}
	}
	return list, nil
}

func (d deviations) add(line string) error {
	words := strings.Fields(line)
	if len(words) < 3 {
		return fmt.Errorf("want PROFILE TEST REASON, not %q", line)
	}
	names, id, reason := []string{words[0]}, words[1], strings.Join(words[2:], " ")
	if words[0] == both {
		names = nil
		for _, p := range profiles {
			names = append(names, p.name)
		}
	}
	for _, name := range names {
		list, known := d[name]
		if !known {
			return fmt.Errorf("no profile is called %q", name)
		}
		if list[id] != "" {
			return fmt.Errorf("%s stands there twice for profile %s", id, name)
		}
		list[id] = reason
	}
	return nil
}
