// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// site is a cache with an origin of its own, for one script.
type site struct {
	name   string
	url    string
	origin *origin
	stop   func() error
	// progress gets a line now and then, with nil nobody does.
	progress io.Writer
}

func (s *site) tell(format string, args ...any) {
	if s.progress != nil {
		fmt.Fprintf(s.progress, format+"\n", args...)
	}
}

// script is a thing to measure.
type script interface {
	name() string
	// duration is how long it takes, in words.
	duration() string
	// origin is what the origin answers while it works.
	origin() http.Handler
	// flags are those that Holdover's proxy gets for it.
	flags() []string
	// together: all caches at the same time. Otherwise one after the other, so that the load
	// of one doesn't disturb the next.
	together() bool
	play(context.Context, *site) (result, error)
}

// result is what a script found out about a cache.
type result struct {
	site     string
	details  string
	figures  []figure
	verdicts []verdict
}

// figure is a cell of the table that compares caches.
type figure struct{ what, value string }

// missed reports whether a promise was.
func (r result) missed() bool {
	return slices.ContainsFunc(r.verdicts, func(v verdict) bool { return len(v.missed) > 0 })
}

// unjudged reports whether nothing can be said of a promise.
func (r result) unjudged() bool {
	return slices.ContainsFunc(r.verdicts, func(v verdict) bool { return v.unjudged != "" })
}

const (
	warmPatience  = 15 * time.Second // until everything that was asked for once is there
	warmers       = 16               // ask at the same time
	reachPatience = time.Second      // until a request that was answered by a stale page reaches the origin
)

// warm asks for each page once, and makes sure that the cache asks this origin.
func (s *site) warm(ctx context.Context, paths []string) error {
	from := time.Now()
	err := s.fetchAll(ctx, paths)
	if err != nil && !answeredWrongly(err) {
		return err
	}
	return cmp.Or(s.reached(ctx, from, paths), err)
}

// answeredWrongly tells a cache that answers from one that isn't there.
func answeredWrongly(err error) bool {
	return errors.Is(err, holdovertest.ErrStatus) || errors.Is(err, holdovertest.ErrWrongPage)
}

// reached returns an error if none of the pages was asked for at the origin since an instant. It
// waits a moment for caches that answer first and ask then.
func (s *site) reached(ctx context.Context, from time.Time, paths []string) error {
	for until := time.Now().Add(reachPatience); ; {
		if s.origin.gotAny(from, paths) {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("no request reached this origin: does the cache at %s stand in front of %s? If it does, it still holds the pages of an earlier run: start it anew", s.url, s.origin.addr)
		}
		if err := sleepUntil(ctx, time.Now().Add(10*time.Millisecond)); err != nil {
			return err
		}
	}
}

func (s *site) fetchAll(ctx context.Context, paths []string) error {
	ctx, cancel := context.WithTimeout(ctx, warmPatience)
	defer cancel()
	connections := &http.Transport{MaxIdleConnsPerHost: warmers}
	defer connections.CloseIdleConnections()
	load := &holdovertest.Load{URL: s.url, Transport: connections, Patience: 5 * time.Second}
	failed := make([]error, warmers)
	var asking sync.WaitGroup
	for w := range warmers {
		asking.Go(func() {
			for i := w; i < len(paths) && failed[w] == nil; i += warmers {
				failed[w] = warmOne(ctx, load, paths[i])
			}
		})
	}
	asking.Wait()
	if err := cmp.Or(failed...); err != nil { // one is enough, they are all alike
		return fmt.Errorf("%s doesn't answer: %w", s.name, err)
	}
	return nil
}

// warmOne tries again for a while: some caches take a moment to trust an origin.
func warmOne(ctx context.Context, load *holdovertest.Load, path string) error {
	for {
		a := load.Ask(ctx, path)
		if a.Err == nil {
			return nil
		}
		if sleepUntil(ctx, time.Now().Add(100*time.Millisecond)) != nil {
			return a.Err
		}
	}
}

// playAll plays a script on sites and returns a result for each.
func playAll(ctx context.Context, sc script, sites []*site, progress io.Writer) ([]result, error) {
	results, failed := make([]result, len(sites)), make([]error, len(sites))
	sites[0].progress = progress // one is enough: they are in step
	var playing sync.WaitGroup
	for i, s := range sites {
		if !sc.together() {
			fmt.Fprintln(progress, s.name)
		}
		playing.Go(func() {
			results[i], failed[i] = sc.play(ctx, s)
			results[i].site = s.name
		})
		if !sc.together() {
			playing.Wait()
		}
	}
	playing.Wait()
	return results, errors.Join(failed...)
}
