// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

const (
	scriptSoft = 500 * time.Millisecond // the default
	scriptHard = 5 * time.Second
	phaseTime  = 10 * time.Second
	settleTime = 2 * time.Second // after which a failing origin is only probed
)

// disasters are the ways in which the origin of the script fails.
var disasters = []holdovertest.Phase{
	{Name: "503", Fault: holdovertest.Status(503)},
	{Name: "503 with Retry-After", Fault: holdovertest.Status(503, "Retry-After", "5")},
	{Name: "hang", Fault: holdovertest.Hang()},
	{Name: "deaf", Fault: holdovertest.Deaf(7 * time.Second)},
	{Name: "reset", Fault: holdovertest.Reset()},
	{Name: "truncation", Fault: holdovertest.Truncate(0.5)},
	{Name: "truncation, chunked", Fault: holdovertest.TruncateChunked(0.5)},
	{Name: "stall", Fault: holdovertest.Stall(0.5)},
	{Name: "slow drip", Fault: holdovertest.Drip(64, time.Second)},
	{Name: "panic", Fault: holdovertest.Panic("boom")},
	{Name: "refused", Fault: holdovertest.Unreachable(holdover.ErrorHandler)},
	{Name: "flapping", Fault: holdovertest.Sometimes(1, 0.5, holdovertest.Status(503))},
}

// script is the disasters, with a working origin before, after, and, if apart, between them.
func script(apart bool) (phases []holdovertest.Phase) {
	working := holdovertest.Phase{Name: "working", For: phaseTime}
	phases = append(phases, working)
	for _, p := range disasters {
		p.For = phaseTime
		phases = append(phases, p)
		if apart {
			phases = append(phases, working)
		}
	}
	return append(phases, working)
}

// Whatever the origin does, who asks for a page that was there before gets it, whole, right
// and in time; it is fresh whenever the origin works; and the origin is left in peace.
func TestScriptOfDisasters(t *testing.T) {
	for _, tt := range []struct {
		keys  int
		apart bool
	}{{1, true}, {20, true}, {20, false}, {100, true}} {
		t.Run(fmt.Sprintf("%d keys, apart %v", tt.keys, tt.apart), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playScript(t, tt.keys, script(tt.apart)) })
		})
	}
}

func playScript(t *testing.T, keys int, phases []holdovertest.Phase) {
	o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=3600"))
	cache, err := holdover.New(holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: scriptHard}}})
	require.NoError(t, err)
	load := &holdovertest.Load{Transport: holdovertest.InProcess(cache.Handler(o)), URL: "http://example.com", PerSecond: 50}
	for i := range keys {
		load.Paths = append(load.Paths, fmt.Sprintf("/%d", i))
		require.NoError(t, load.Ask(t.Context(), load.Paths[i]).Err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- load.Run(ctx) }()
	go func() { ended <- askForColdPages(ctx, t, cache.Handler(o)) }()

	began := time.Now()
	for i := range phases {
		phases[i].Name = fmt.Sprint(i, " ", phases[i].Name)
	}
	require.NoError(t, o.Play(t.Context(), phases...))
	stop()
	require.NoError(t, errors.Join(<-ended, <-ended))
	require.NoError(t, cache.Close())

	working, stale := 0, 0
	for i, p := range phases {
		from := began.Add(time.Duration(i) * phaseTime)
		r := holdovertest.NewReport(from, time.Second, load.Between(from, from.Add(phaseTime)))
		require.Zero(t, r.Failed, "%s: %v", p.Name, r)
		require.Zero(t, r.Untold, "%s: %v", p.Name, r)
		require.LessOrEqual(t, r.Max, scriptSoft, "%s: %v", p.Name, r)
		if p.Fault == nil {
			if i > 0 && strings.HasSuffix(phases[i-1].Name, "deaf") {
				continue // handlers that can't be stopped block their keys until they return
			}
			working, stale = working+r.Answers, stale+r.Stale
			require.Less(t, r.LastStale, 1500*time.Millisecond, "%s: %v", p.Name, r)
			continue
		}
		if !strings.HasSuffix(p.Name, "flapping") { // which works now and then
			asked := warm(o.Requests().During(p.Name).Between(from.Add(settleTime), from.Add(phaseTime)))
			require.LessOrEqual(t, asked.Excess(min(max(0.2*float64(keys), 1), 10), 1), 0.01, "%s: %v", p.Name, r)
			for path, list := range asked.ByURL() {
				require.LessOrEqual(t, list.Excess(1, 1), 0.01, "%s: %s", p.Name, path)
			}
		}
	}
	t.Logf("%d of %d answers stale while the origin worked", stale, working)
	// A single key is probed once a second: half a second of ten, on average.
	if recoveries := len(disasters); keys > 1 && len(phases) > 2*recoveries {
		require.Less(t, stale*20, working)
	}
}

// However long an attempt is given after others that hung: as soon as the origin works again,
// the next probe beside it finds out.
func TestProbesAreShortBesideLongAttempts(t *testing.T) {
	for _, fault := range []holdovertest.Fault{holdovertest.Hang(), holdovertest.Stall(0.5)} {
		for lasts := 5 * time.Second; lasts < 20*time.Second; lasts += 1300 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=3600"))
				h := newCache(t, holdover.Config{}).Handler(o)
				load := &holdovertest.Load{Transport: holdovertest.InProcess(h), URL: "http://example.com", Paths: []string{"/"}, PerSecond: 25}
				require.NoError(t, load.Ask(t.Context(), "/").Err)
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- load.Run(ctx) }()
				began := time.Now()
				require.NoError(t, o.Play(t.Context(),
					holdovertest.Phase{Fault: fault, For: lasts}, holdovertest.Phase{For: 10 * time.Second}))
				stop()
				require.NoError(t, <-ended)
				back := began.Add(lasts)
				r := holdovertest.NewReport(back, time.Second, load.Between(back, back.Add(10*time.Second)))
				require.LessOrEqual(t, r.LastStale, 1100*time.Millisecond, "after %v: %v", lasts, r)
			})
		}
	}
}

// A fetch that hangs doesn't keep a page stale again and again after another one, begun later, has
// been answered.
func TestAnOldFetchDoesNotHoldItsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Fetches take a second, so that they are given four, and then eight.
		o := holdovertest.NewOrigin(slowly(time.Second, holdovertest.Pages("max-age=1, stale-if-error=3600").ServeHTTP))
		h := newCache(t, holdover.Config{}).Handler(o)
		load := &holdovertest.Load{Transport: holdovertest.InProcess(h), URL: "http://example.com", Paths: []string{"/"}, PerSecond: 25, Patience: time.Minute}
		require.NoError(t, load.Ask(t.Context(), "/").Err)
		time.Sleep(2 * time.Second)
		o.Behave(holdovertest.Hang())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- load.Run(ctx) }()
		time.Sleep(5500 * time.Millisecond) // the second attempt hangs
		o.Behave(nil)
		time.Sleep(2 * time.Second) // a probe beside it was answered
		from := time.Now()
		time.Sleep(10 * time.Second)
		stop()
		require.NoError(t, <-ended)
		r := holdovertest.NewReport(from, time.Second, load.Between(from, from.Add(10*time.Second)))
		require.Zero(t, r.Stale, r)
	})
}

// warm returns the arrivals for pages that were there before.
func warm(all holdovertest.Arrivals) holdovertest.Arrivals {
	return slices.DeleteFunc(all, func(a holdovertest.Arrival) bool { return len(a.Path) > 4 })
}

// askForColdPages asks for a page that was never asked for, twice a second, each by several at
// once. What can't be had is an error, in time; never a part of a page, nor an empty one.
func askForColdPages(ctx context.Context, t *testing.T, h http.Handler) error {
	load := &holdovertest.Load{Transport: holdovertest.InProcess(h), URL: "http://example.com", Patience: time.Minute}
	var asking []chan error
	for i := 0; ctx.Err() == nil; i++ {
		answers := make(chan error, 3)
		asking = append(asking, answers)
		for range 3 {
			go func() {
				a := load.Ask(context.WithoutCancel(ctx), fmt.Sprintf("/cold/%d", i))
				var err error
				switch honest := a.Status >= 500 || a.Status == 0; {
				case a.Took > scriptHard && a.Status != 200 && a.Status != 0:
					err = fmt.Errorf("cold page %d: %d after %v", i, a.Status, a.Took)
				case a.Err != nil && a.Status == 200 && !errors.Is(a.Err, holdovertest.ErrStatus):
					if a.Took > time.Minute/2 {
						err = fmt.Errorf("cold page %d: broken off after %v: %w", i, a.Took, a.Err)
					}
				case a.Err != nil && !honest:
					err = fmt.Errorf("cold page %d: %w", i, a.Err)
				}
				answers <- err
			}()
		}
		time.Sleep(500 * time.Millisecond)
	}
	var err error
	for _, answers := range asking {
		err = errors.Join(err, <-answers, <-answers, <-answers)
	}
	return err
}
