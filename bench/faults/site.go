// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
}

// script is a thing to measure.
type script interface {
	name() string
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
	for _, v := range r.verdicts {
		if len(v.missed) > 0 {
			return true
		}
	}
	return false
}

const (
	warmPatience = 15 * time.Second // until everything that was asked for once is there
	warmers      = 16               // ask at the same time
)

// warm asks for each page once.
func (s *site) warm(ctx context.Context, paths []string) error {
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
	if err := errors.Join(failed...); err != nil {
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
func playAll(ctx context.Context, sc script, sites []*site) ([]result, error) {
	results, failed := make([]result, len(sites)), make([]error, len(sites))
	var playing sync.WaitGroup
	for i, s := range sites {
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
