// SPDX-License-Identifier: MIT

package holdover

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxLife is how long an entry is kept at most where Config says nothing.
// It also bounds the lifetimes that ParseStatusTTL and ParseStatusLists read.
const DefaultMaxLife = 7 * 24 * time.Hour

// StatusRule is the freshness lifetime of responses with one status.
type StatusRule struct {
	// TTL is the freshness lifetime where the origin is silent. Zero means
	// none: the status is exempt from Freshness.DefaultTTL and heuristics.
	// Negative values are errors.
	TTL time.Duration

	// Override applies TTL also where the origin gave explicit freshness
	// (RFC 9111 §4.2.1), never against its prohibition (no-store, private).
	Override bool

	// Growth lengthens TTL each time that a key has this status again: by this
	// factor, so that 2 makes of 5 s 10 s, 20 s, 40 s. Another status begins anew.
	// Zero and 1 mean that it stays; smaller values are errors.
	Growth float64

	// Cap bounds what Growth makes of TTL. Default: an hour, or TTL where that is
	// more. Values below TTL are errors.
	Cap time.Duration
}

const defaultGrowthCap = time.Hour

// ttl returns the lifetime for a key that had the status that often before in a row.
func (r StatusRule) ttl(repeats uint8) time.Duration {
	if r.Growth <= 1 {
		return r.TTL
	}
	limit := r.Cap
	if limit == 0 {
		limit = max(defaultGrowthCap, r.TTL)
	}
	grown := float64(r.TTL) * math.Pow(r.Growth, float64(repeats))
	if grown >= float64(limit) {
		return limit
	}
	return time.Duration(grown)
}

func (r StatusRule) checkGrowth(maxLife time.Duration) error {
	switch {
	case r.Growth != 0 && !(r.Growth >= 1 && r.Growth <= maxGrowth): // NaN too
		return fmt.Errorf("growth %v is not from 1 to %v", r.Growth, maxGrowth)
	case r.Cap != 0 && (r.Cap < r.TTL || r.Cap > maxLife):
		return fmt.Errorf("cap %v is not from the TTL, %v, to %v", r.Cap, r.TTL, maxLife)
	}
	return nil
}

// maxGrowth is more than anybody needs.
const maxGrowth = 100.0

// StatusTTL gives lifetimes by status. It holds for every status that net/http
// names, except the interim ones (1xx), 206, 304 and 416, which answer one
// particular request and say nothing that could be reused by status.
type StatusTTL map[int]StatusRule

// ParseStatusTTL reads rules such as "403=20; 404=30s; 504=1m30s".
//
// Rules are separated by semicolons or line breaks; blanks around every part and
// empty rules are ignored, and a text without rules gives nil. A lifetime is in whole
// seconds or a Go duration, from 0 to DefaultMaxLife; see StatusRule for 0.
// Statuses that StatusTTL doesn't hold for and statuses named twice are errors.
// All errors are joined, and each names its rule.
func ParseStatusTTL(text string) (StatusTTL, error) {
	var p ruleParser
	for rule := range strings.FieldsFuncSeq(text, isRuleEnd) {
		if rule = strings.TrimSpace(rule); rule == "" {
			continue
		}
		status, ttl, found := strings.Cut(rule, "=")
		if !found {
			p.fail(rule, errors.New("want status=lifetime"))
			continue
		}
		p.add(rule, status, ttl)
	}
	return p.result()
}

// ParseStatusLists reads the same rules from two lists that are paired by
// position, such as "403;404;504" and "20;30;40".
//
// Both are separated by semicolons. Blanks around a member and one semicolon at the end are
// ignored, an empty member elsewhere is an error, since skipping it would pair
// the rest wrongly. Lists of unequal length are an error. All else is as in
// ParseStatusTTL.
func ParseStatusLists(statuses, ttls string) (StatusTTL, error) {
	s, t := splitList(statuses), splitList(ttls)
	if len(s) != len(t) {
		return nil, fmt.Errorf("holdover: %d statuses, but %d lifetimes", len(s), len(t))
	}
	var p ruleParser
	for i := range s {
		p.add(s[i]+"="+t[i], s[i], t[i])
	}
	return p.result()
}

// validate checks a map that may have been built by hand. Its errors name the
// status behind field, such as "Policy.Freshness.StatusTTL[404]".
func (t StatusTTL) validate(field string, maxLife time.Duration) []error {
	var found []error
	for _, status := range slices.Sorted(maps.Keys(t)) {
		err := errors.Join(checkStatus(status), checkLifetime(t[status].TTL, maxLife), t[status].checkGrowth(maxLife))
		if err != nil {
			found = append(found, &ConfigError{Field: fmt.Sprintf("%s[%d]", field, status), Err: err})
		}
	}
	return found
}

// ruleParser collects rules and what is wrong with them.
type ruleParser struct {
	rules  StatusTTL
	failed []error
}

func (p *ruleParser) fail(rule string, err error) {
	p.failed = append(p.failed, fmt.Errorf("holdover: status rule %q: %w", rule, err))
}

func (p *ruleParser) add(rule, statusText, ttlText string) {
	status, statusErr := parseStatus(strings.TrimSpace(statusText))
	ttl, ttlErr := parseLifetime(strings.TrimSpace(ttlText))
	if err := errors.Join(statusErr, ttlErr); err != nil {
		p.fail(rule, err)
		return
	}
	if _, twice := p.rules[status]; twice {
		p.fail(rule, fmt.Errorf("status %d has a rule already", status))
		return
	}
	if p.rules == nil {
		p.rules = make(StatusTTL)
	}
	p.rules[status] = StatusRule{TTL: ttl}
}

func (p *ruleParser) result() (StatusTTL, error) {
	if len(p.failed) > 0 {
		return nil, errors.Join(p.failed...)
	}
	return p.rules, nil
}

func isRuleEnd(r rune) bool { return r == ';' || r == '\n' }

func splitList(text string) []string {
	text = strings.TrimSuffix(strings.TrimSpace(text), ";")
	if text == "" {
		return nil
	}
	members := strings.Split(text, ";")
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	return members
}

func parseStatus(text string) (int, error) {
	if len(text) != 3 || !isDigits(text) {
		return 0, fmt.Errorf("%q is not a status of three digits", text)
	}
	status, err := strconv.Atoi(text)
	if err != nil {
		return 0, err
	}
	return status, checkStatus(status)
}

func checkStatus(status int) error {
	switch {
	case status >= 100 && status < 200:
		return fmt.Errorf("%d is an interim status, never a response to store", status)
	case status == http.StatusPartialContent, status == http.StatusRequestedRangeNotSatisfiable,
		status == http.StatusNotModified:
		return fmt.Errorf("%d answers one particular request and can't be given a lifetime", status)
	case http.StatusText(status) == "":
		return fmt.Errorf("%d is not a known status", status)
	}
	return nil
}

func parseLifetime(text string) (time.Duration, error) {
	ttl, err := time.ParseDuration(inSeconds(text))
	if err != nil {
		return 0, fmt.Errorf("%q is neither whole seconds nor a duration such as 90s (or is far too long)", text)
	}
	return ttl, checkLifetime(ttl, DefaultMaxLife)
}

// inSeconds gives a bare number the unit that time.ParseDuration wants.
func inSeconds(text string) string {
	if isDigits(text) {
		return text + "s"
	}
	return text
}

func checkLifetime(ttl, maxLife time.Duration) error {
	switch {
	case ttl < 0:
		return fmt.Errorf("lifetime %v is negative", ttl)
	case ttl > maxLife:
		return fmt.Errorf("lifetime %v is over the maximum of %v", ttl, maxLife)
	}
	return nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
