// SPDX-License-Identifier: MIT

package conformance

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Target is a cache under test.
type Target struct {
	// Profile that New configures: Safe or RFC.
	Profile Profile

	// New wraps next with a new cache, and has it closed by t.Cleanup.
	New func(t *testing.T, next http.Handler) http.Handler

	// ErrorHandler is for httputil.ReverseProxy: what tells the cache that the origin
	// can't be reached. Default: a bare 502.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// CacheName is what the cache calls itself in Cache-Status (RFC 9211). With ""
	// nothing is expected there.
	CacheName string
}

// MaxReal is how long a case may take over a real connection.
const MaxReal = 3 * time.Second

// atOnce is how many cases run together over real transports, where they mostly wait.
const atOnce = 16

// Run runs all cases over all transports.
func Run(t *testing.T, target Target) {
	t.Run(string(Direct), func(t *testing.T) { runOver(t, target, Direct, make(chan struct{}, 2)) })
	room := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, tr := range Transports[1:] {
		all.Go(func() { t.Run(string(tr), func(t *testing.T) { runOver(t, target, tr, room) }) })
	}
	all.Wait()
}

// runOver runs the cases together, as far as there is room, those that take longest
// first. Not by t.Parallel, which allows no more at once than there are processors.
func runOver(t *testing.T, target Target, tr Transport, room chan struct{}) {
	cases := Cases()
	slices.SortStableFunc(cases, func(a, b Case) int { return cmp.Compare(b.takes(), a.takes()) })
	var all sync.WaitGroup
	for _, c := range cases {
		if !c.runs(target.Profile, tr) {
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			t.Run(c.ID, func(t *testing.T) { c.report(t, c.run(t, target, tr)) })
		})
	}
	all.Wait()
}

func (c Case) run(t *testing.T, target Target, tr Transport) (wrong []string) {
	if tr == Direct {
		synctest.Test(t, func(t *testing.T) { wrong = play(t, target, tr, c) })
		return wrong
	}
	for range plays {
		if wrong = play(t, target, tr, c); len(wrong) == 0 {
			return nil
		}
	}
	return wrong
}

// On a machine that is busy with other things, time passes that the case doesn't want: what
// should be fresh is stale, who should wait times out, and what follows an answer isn't done
// when the next request comes. So a failure over a real transport is not believed before
// it has been seen again and again. Over Direct, each is.
const plays = 3

func (c Case) report(t *testing.T, wrong []string) {
	if len(wrong) > 0 {
		t.Errorf("%s: %s\n%s", c.Cite, c.Title, strings.Join(wrong, "\n"))
	}
}

// runs reports whether a case is for a profile and a transport. What is the same in both
// profiles is seen in both over Direct, and over connections in one of them.
func (c Case) runs(profile Profile, tr Transport) bool {
	if c.For != Both && c.For != profile {
		return false
	}
	if tr != Direct && profile == RFC && c.For == Both && !c.differs() {
		return false
	}
	_, not := c.Not[tr]
	return !not && (tr == Direct || c.takes() <= MaxReal)
}

// differs reports whether the profiles answer differently.
func (c Case) differs() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool { return s.WantRFC != nil })
}

// takes is how much time a case wants to pass.
func (c Case) takes() (sum time.Duration) {
	for _, s := range c.Steps {
		longest := s.Request.After
		for _, other := range s.Also {
			longest = max(longest, other.Request.After)
		}
		for _, a := range append([]Answer{s.Origin}, s.Then...) {
			longest = max(longest, a.Delay+a.Pause)
		}
		sum += longest + s.Pass
	}
	return sum
}
