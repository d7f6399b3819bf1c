// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/stores/memory"
)

// outages are the ways in which an origin fails while its cache goes on.
var outages = map[string]holdovertest.Fault{
	"503":         holdovertest.Status(503),
	"slow 503":    holdovertest.Chain(holdovertest.Delay(time.Minute), holdovertest.Status(503)),
	"hang":        holdovertest.Hang(),
	"deaf":        holdovertest.Deaf(time.Minute),
	"slow":        holdovertest.Delay(time.Minute),
	"reset":       holdovertest.Reset(),
	"truncation":  holdovertest.Truncate(0.5),
	"chunked":     holdovertest.TruncateChunked(0.5),
	"stall":       holdovertest.Stall(0.5),
	"drip":        holdovertest.Drip(1, time.Second),
	"panic":       holdovertest.Panic("boom"),
	"unreachable": holdovertest.Unreachable(holdover.ErrorHandler),
	"any of them": holdovertest.OneOf(1, holdovertest.Status(500), holdovertest.Reset(), holdovertest.Hang(), holdovertest.Truncate(0.9)),
}

// fronts are the ways in which an origin may stand behind a cache.
var fronts = map[string]func(t *testing.T, o *holdovertest.Origin) http.Handler{
	"handler": func(_ *testing.T, o *holdovertest.Origin) http.Handler { return o },
	"proxy": func(t *testing.T, o *holdovertest.Origin) http.Handler {
		target, err := url.Parse("http://origin.example")
		require.NoError(t, err)
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.Transport = holdovertest.InProcess(o)
		proxy.ErrorHandler = holdover.ErrorHandler
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		return proxy
	},
}

const (
	lifetime    = time.Second
	softTimeout = 500 * time.Millisecond
)

// cached puts a cache in front of a handler and returns a client of it.
func cached(t *testing.T, cfg holdover.Config, next http.Handler) http.RoundTripper {
	cache, err := holdover.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	return holdovertest.InProcess(cache.Handler(next))
}

// pageMade asks for a page and returns when that was made.
func pageMade(t *testing.T, client http.RoundTripper) time.Time {
	t.Helper()
	began := time.Now()
	g := send(client, get("http://www.example/page"))
	require.NoError(t, g.failed)
	require.NoError(t, g.Broke)
	require.Equal(t, 200, g.Status, g.Body)
	require.LessOrEqual(t, time.Since(began), softTimeout)
	made, err := holdovertest.ReadPage("/page", g.Body)
	require.NoError(t, err)
	return made
}

// A policy with stale-if-error answers through every outage, within the soft timeout, with
// the right page and at most one request a second to the origin, and is fresh again after it.
func TestPolicyAnswersThroughOutages(t *testing.T) {
	for front, behind := range fronts {
		for name, fault := range outages {
			t.Run(front+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=3600"))
					client := cached(t, holdover.Config{}, behind(t, o))
					began := time.Now()
					require.Equal(t, began, pageMade(t, client))
					time.Sleep(2 * lifetime)

					o.Behave(fault)
					down := time.Now()
					for range 100 {
						require.Equal(t, began, pageMade(t, client))
						time.Sleep(100 * time.Millisecond)
					}
					up := time.Now()
					o.Behave(nil)
					asked := o.Requests().Between(down, up)
					require.NotEmpty(t, asked)
					require.Zero(t, asked.Excess(1, 2))
					if front == "handler" { // what stands behind a proxy may go on when that gave up
						require.LessOrEqual(t, asked.MostAtOnceOfURL(), 2, "one, and another while that one hangs")
					}

					time.Sleep(2 * time.Minute)
					require.WithinDuration(t, time.Now(), pageMade(t, client), lifetime)
				})
			})
		}
	}
}

// Without a stored page the outage shows, as what it is.
func TestPolicyShowsOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=3600"))
		client := cached(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: 2 * time.Second}}}, o)
		for fault, status := range map[string]int{"503": 503, "hang": 504, "unreachable": 502} {
			o.Behave(outages[fault])
			require.Equal(t, status, send(client, get("http://www.example/"+url.PathEscape(fault))).Status, fault)
		}
	})
}

// Whatever the store does, clients get their page, within the store's deadline.
func TestPolicyWithABadStore(t *testing.T) {
	for name, faults := range map[string]holdovertest.StoreFaults{
		"errors":    {Errors: 0.5},
		"unsure":    {Unsure: 0.5},
		"forgetful": {Partial: 0.5},
		"hangs":     {Hangs: 0.3},
		"slow":      {Delay: 100 * time.Millisecond},
		"all":       {Errors: 0.1, Unsure: 0.1, Partial: 0.1, Hangs: 0.1, Delay: 10 * time.Millisecond},
		"down":      {Errors: 1},
		"no writes": {Hangs: 1, Ops: []string{holdovertest.OpSet, holdovertest.OpSetIfNewer, holdovertest.OpSetIfAbsent}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := holdovertest.NewStore(newMemory(t), 1)
				o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1"))
				client := cached(t, holdover.Config{Store: s}, o)
				s.Behave(faults)
				for range 200 {
					require.WithinDuration(t, time.Now(), pageMade(t, client), lifetime)
					time.Sleep(100 * time.Millisecond)
				}
				require.NotZero(t, s.Calls(holdovertest.OpGet))
				if faults.Delay == 0 {
					require.NotZero(t, s.Faults(""))
				}
			})
		})
	}
}

// A whole outage under load: phase after phase, and nobody is left without a page.
func TestPolicyUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=3600"))
		load := &holdovertest.Load{
			Transport: cached(t, holdover.Config{}, o), URL: "http://www.example",
			Paths: []string{"/a", "/b", "/c"}, PerSecond: 10,
		}
		for _, path := range load.Paths {
			require.NoError(t, load.Ask(t.Context(), path).Err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- load.Run(ctx) }()
		var phases []holdovertest.Phase
		for name, fault := range outages {
			phases = append(phases,
				holdovertest.Phase{Name: name, Fault: fault, For: 10 * time.Second},
				holdovertest.Phase{Name: "healthy", For: 70 * time.Second})
		}
		began := time.Now()
		require.NoError(t, o.Play(t.Context(), phases...))
		stop()
		require.NoError(t, <-ended)
		report := holdovertest.NewReport(began, lifetime, load.Answers())
		require.Zero(t, report.Failed, report)
		require.NotZero(t, report.Stale)
		require.Zero(t, report.Untold)
		require.LessOrEqual(t, report.Max, softTimeout)
		for url, asked := range o.Requests().ByURL() {
			require.Zero(t, asked.Excess(1, 2), url)
		}
	})
}

// A purge that was confirmed holds in another process too, soon after, however badly the
// journal behaves.
func TestPolicyPurgesOverABadJournal(t *testing.T) {
	for name, faults := range map[string]holdovertest.StoreFaults{
		"errors": {Errors: 0.5}, "unsure": {Unsure: 0.5}, "in pieces": {Partial: 1},
		"hangs": {Hangs: 0.5}, "slow": {Delay: time.Second}, "down": {Errors: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := holdovertest.NewOrigin(holdovertest.Pages("max-age=3600"))
				s := holdovertest.NewStore(newMemory(t), 1)
				faults.Ops = []string{holdovertest.OpAppend, holdovertest.OpRead, holdovertest.OpRenew}
				cfg := holdover.Config{Store: s, Journal: s.Journal(memory.NewJournal())}
				here, err := holdover.New(cfg)
				require.NoError(t, err)
				defer here.Close() // tells of purges that no journal has
				there := cached(t, cfg, o)
				client := holdovertest.InProcess(here.Handler(o))
				for range 20 {
					_ = pageMade(t, client)
					_ = pageMade(t, there)
					s.Behave(faults)
					purged := time.Now()
					err := here.Purge(t.Context(), holdover.PurgeRequest{URL: "http://www.example/page"})
					require.False(t, pageMade(t, client).Before(purged), "the process itself knows at once")
					time.Sleep(6 * time.Second) // JournalGrace and a little
					if err == nil {
						require.False(t, pageMade(t, there).Before(purged))
					}
					s.Behave(holdovertest.StoreFaults{})
					time.Sleep(2 * time.Second)
					require.False(t, pageMade(t, there).Before(purged), "once the journal works again it stands there")
				}
			})
		})
	}
}
