// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Checks are expectations about header or trailer fields.
type Checks []Check

// Check is one expectation. Is, Has, No, Between, Contains, Lacks and SameAs make them.
type Check struct {
	name string
	rule func(values []string, at moment) (expected string, ok bool)
}

// moment is what a check may ask for beside the field.
type moment struct {
	blanks blanks
	answer func(step int) http.Header // what the client got in an earlier step
}

// Is expects a value. Several lines are one list, joined by ", " (RFC 9110 §5.3).
func Is(name, value string) Check {
	return Check{name, func(values []string, at moment) (string, bool) {
		want := at.blanks.expand(value)
		return strconv.Quote(want), len(values) > 0 && joined(values) == want
	}}
}

// Has expects that the field is there.
func Has(name string) Check {
	return Check{name, func(values []string, _ moment) (string, bool) { return "a value", len(values) > 0 }}
}

// No expects that the field is absent.
func No(name string) Check {
	return Check{name, func(values []string, _ moment) (string, bool) { return "nothing", len(values) == 0 }}
}

// Between expects one line with an integer in a range, both ends included. Over a real
// connection time goes on: leave room for two seconds.
func Between(name string, low, high int) Check {
	return Check{name, func(values []string, _ moment) (string, bool) {
		return fmt.Sprintf("one integer from %d to %d", low, high), len(values) == 1 && within(values[0], low, high)
	}}
}

func within(text string, low, high int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && low <= n && n <= high
}

// Contains expects a part of the value.
func Contains(name, part string) Check {
	return Check{name, func(values []string, at moment) (string, bool) {
		part := at.blanks.expand(part)
		return "something with " + strconv.Quote(part), strings.Contains(joined(values), part)
	}}
}

// Lacks expects that the value, if there is one, doesn't contain a part.
func Lacks(name, part string) Check {
	return Check{name, func(values []string, _ moment) (string, bool) {
		return "nothing with " + strconv.Quote(part), !strings.Contains(joined(values), part)
	}}
}

// SameAs expects what the client got in an earlier step, counted from 1.
func SameAs(name string, step int) Check {
	return Check{name, func(values []string, at moment) (string, bool) {
		before := at.answer(step).Values(name)
		return fmt.Sprintf("%q, as in step %d", before, step), joined(values) == joined(before)
	}}
}

func joined(values []string) string { return strings.Join(values, ", ") }

// failures returns what is wrong about a header.
func (list Checks) failures(h http.Header, at moment) (wrong []string) {
	for _, c := range list {
		values := h.Values(c.name)
		if expected, ok := c.rule(values, at); !ok {
			wrong = append(wrong, fmt.Sprintf("%s: want %s, got %q", c.name, expected, values))
		}
	}
	return wrong
}
