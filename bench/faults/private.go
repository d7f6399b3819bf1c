// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

const (
	privatePages  = "/private/by-"
	privateUsers  = 20
	privateTakes  = 300 * time.Millisecond
	privateRounds = 6 // the first one is counted by itself
)

// credentials are the fields by which users tell who they are.
var credentials = []string{"Cookie", "Authorization"}

// private is the script of pages that belong to one user each, which a cache may
// not share and can only be in the way of.
type private struct{ settings }

func (private) name() string {
	return fmt.Sprintf("private: %d users ask at once for a page of their own that takes %v", privateUsers, privateTakes)
}

// duration is so much longer for caches that let the users wait for each other.
func (private) duration() string { return "5 to 20 s for each cache" }

func (private) origin() http.Handler {
	user := func(r *http.Request) string {
		for _, c := range credentials {
			if text := r.Header.Get(c); text != "" {
				return text
			}
		}
		return ""
	}
	return holdovertest.Delay(privateTakes)(holdovertest.Pages("private, max-age=60", holdovertest.PageUser(user)))
}

func (private) together() bool  { return false }
func (private) flags() []string { return nil }

func (private) play(ctx context.Context, s *site) (r result, err error) {
	own := verdict{name: "the own page", promise: "everybody gets the own page"}
	quick := verdict{name: "no queue", promise: "nobody waits for others: twice the time at most at first, then once"}
	for _, field := range credentials {
		from := time.Now()
		rounds, err := privateRound(ctx, s, field)
		if err != nil {
			return result{}, err
		}
		if err := s.reached(ctx, from, []string{privatePages + field}); err != nil {
			return result{}, err
		}
		first, later := rounds[0], slices.Concat(rounds[1:]...)
		r.figures = append(r.figures,
			figure{field + ", the first time", privateFigure(first)}, figure{field + ", later", privateFigure(later)})
		ownPages(&own, field, slices.Concat(first, later))
		inTurn(&quick, field+", the first time", first, 2*privateTakes)
		inTurn(&quick, field+", later", later, privateTakes)
	}
	r.verdicts = []verdict{own, quick}
	return r, nil
}

// privateRound lets all users ask at once, some times.
func privateRound(ctx context.Context, s *site, field string) (rounds [][]holdovertest.Answer, err error) {
	connections := &http.Transport{MaxIdleConnsPerHost: privateUsers}
	defer connections.CloseIdleConnections()
	for range privateRounds {
		answers := make([]holdovertest.Answer, privateUsers)
		var asking sync.WaitGroup
		for i := range answers {
			asking.Go(func() {
				user := userOf(s.url, connections, field, i)
				answers[i] = user.Ask(ctx, privatePages+field)
			})
		}
		asking.Wait()
		rounds = append(rounds, answers)
		if err := sleepUntil(ctx, time.Now().Add(100*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	return rounds, nil
}

func userOf(url string, by http.RoundTripper, field string, number int) *holdovertest.Load {
	name := fmt.Sprintf("user=%d", number)
	return &holdovertest.Load{
		URL: url, Transport: by, Patience: 20 * time.Second,
		Request: func(r *http.Request) { r.Header.Set(field, name) },
		Read:    func(path, body string) (time.Time, error) { return holdovertest.ReadPageOf(name, path, body) },
	}
}

func privateFigure(answers []holdovertest.Answer) string {
	r := holdovertest.NewReport(time.Time{}, 0, answers)
	text := fmt.Sprintf("p50 %s, max %s", milliseconds(r.P50), milliseconds(r.Max))
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d wrong", r.Failed)
	}
	return text
}

func ownPages(v *verdict, when string, answers []holdovertest.Answer) {
	for _, a := range answers {
		if a.Err != nil {
			v.miss("%s: %v", when, a.Err)
		}
	}
}

func inTurn(v *verdict, when string, answers []holdovertest.Answer, most time.Duration) {
	if r := holdovertest.NewReport(time.Time{}, 0, answers); r.Max > most+slack+noise {
		v.miss("%s: up to %v", when, r.Max.Round(time.Millisecond))
	}
}
