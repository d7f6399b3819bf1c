// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdover-go/holdover"
)

// patience is how long a visitor waits for a page.
const patience = 1500 * time.Millisecond

// browser opens a connection for each visit, as if each visitor were another one.
var browser = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// visit is what one visitor got.
type visit struct {
	status      int
	cacheStatus string
	body        string
	took        time.Duration
	err         error
}

// see makes one visit. A reload asks past the cache, as a browser's does.
func see(ctx context.Context, url string, reload bool) (v visit) {
	began := time.Now()
	defer func() { v.took = time.Since(began) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return visit{err: err}
	}
	if reload {
		r.Header.Set("Cache-Control", "no-cache")
	}
	answer, err := browser.Do(r)
	if err != nil {
		return visit{err: err}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return visit{
		status: answer.StatusCode, cacheStatus: answer.Header.Get("Cache-Status"),
		body: strings.TrimSpace(string(body)), err: err,
	}
}

// crowd makes n visits at once.
func crowd(ctx context.Context, n int, url string) []visit {
	visits := make([]visit, n)
	var all sync.WaitGroup
	for i := range visits {
		all.Go(func() { visits[i] = see(ctx, url, false) })
	}
	all.Wait()
	return visits
}

func (v visit) answered() bool { return v.err == nil && v.status < 500 }

// parameter reads one of Holdover's own parameters in Cache-Status (RFC 9211 §2).
func (v visit) parameter(name string) (string, bool) {
	for p := range strings.SplitSeq(v.cacheStatus, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(p), "="); key == name {
			return value, true
		}
	}
	return "", false
}

// stale: a lifetime that is over counts below zero (RFC 9211 §2.4).
func (v visit) stale() bool {
	ttl, _ := v.parameter("ttl")
	return strings.HasPrefix(ttl, "-")
}

// inWords says what a visitor saw, and why.
func (v visit) inWords() string {
	var late interface{ Timeout() bool }
	switch {
	case errors.As(v.err, &late) && late.Timeout():
		return fmt.Sprintf("no answer, gave up after %v", patience)
	case v.err != nil && v.status != 0:
		return "half a page, then the connection broke"
	case v.err != nil:
		return "no answer, the connection broke"
	case !v.answered():
		return fmt.Sprint(v.status, " ", http.StatusText(v.status))
	case v.cacheStatus == "":
		return "the page"
	case v.stale():
		return "the page, stale: " + whyStale(v)
	}
	return whyNew(v)
}

func whyStale(v visit) string {
	detail, _ := v.parameter("detail")
	switch holdover.Reason(detail) {
	case holdover.ReasonStaleIfError, holdover.ReasonDisconnected:
		return "the backend failed just now"
	case holdover.ReasonBackOff:
		return "the backend failed before and was spared"
	case holdover.ReasonSoftTimeout:
		return "the backend took too long"
	}
	return detail
}

func whyNew(v visit) string {
	if _, hit := v.parameter("hit"); hit {
		return "the page, fresh, as it was stored"
	}
	if _, collapsed := v.parameter("collapsed"); collapsed {
		return "the page, new, from another visitor's call of the backend"
	}
	return "the page, new, from the backend"
}

// tally sums up visits.
type tally struct {
	requests, answered, stale, calls int
	slowest                          time.Duration
	saw                              []sight // most frequent first
	sample                           string  // a Cache-Status, a stale answer's if there is one
}

// sight is something that several visitors saw.
type sight struct {
	what  string
	times int
}

func sum(visits []visit, calls int) tally {
	t := tally{requests: len(visits), calls: calls}
	for _, v := range visits {
		t.slowest = max(t.slowest, v.took)
		t.see(v.inWords())
		if v.answered() {
			t.answered++
		}
		if v.stale() && t.stale == 0 || t.sample == "" {
			t.sample = v.cacheStatus
		}
		if v.stale() {
			t.stale++
		}
	}
	slices.SortStableFunc(t.saw, func(a, b sight) int { return b.times - a.times })
	return t
}

func (t *tally) see(what string) {
	i := slices.IndexFunc(t.saw, func(s sight) bool { return s.what == what })
	if i < 0 {
		t.saw = append(t.saw, sight{what, 1})
		return
	}
	t.saw[i].times++
}

func (t *tally) add(more tally) {
	t.requests += more.requests
	t.answered += more.answered
	t.stale += more.stale
	t.calls += more.calls
	t.slowest = max(t.slowest, more.slowest)
}
