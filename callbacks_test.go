// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// given are the functions of a user's that a request calls, each made to call f.
func given(f func()) map[string]holdover.Config {
	return map[string]holdover.Config{
		"Detach":       {Detach: func(ctx context.Context) context.Context { f(); return ctx }},
		"OnEvent":      {OnEvent: func(holdover.Event) { f() }},
		"Key.Target":   {Policy: holdover.Policy{Key: holdover.Key{Target: func(r *http.Request) string { f(); return r.RequestURI }}}},
		"Key.Parts":    {Policy: holdover.Policy{Key: holdover.Key{Parts: func(*http.Request) []string { f(); return nil }}}},
		"Origin.Scope": {Policy: holdover.Policy{Origin: holdover.Origin{Scope: func(*http.Request) string { f(); return "" }}}},
		"Tags":         {Policy: holdover.Policy{Tags: func(*http.Request, int, http.Header) []string { f(); return nil }}},
		"Bypass":       {Policy: holdover.Policy{Bypass: func(*http.Request) bool { f(); return false }}},
		"Safety.Trusted": {Policy: holdover.Policy{Safety: holdover.Safety{
			RequestDirectives: holdover.HonourTrusted, Trusted: func(*http.Request) bool { f(); return true },
		}}},
	}
}

// A function of the user's may use the cache itself, each time it is called: no lock is
// held around it.
func TestCallbacksMayAskTheCache(t *testing.T) {
	for name := range given(nil) {
		t.Run(name, func(t *testing.T) {
			var c *holdover.Cache
			var h http.Handler
			var within, called atomic.Bool
			cfg := given(func() {
				if !within.CompareAndSwap(false, true) { // else it goes on for ever
					return
				}
				defer within.Store(false)
				called.Store(true)
				ask(h, "GET", "http://example.com/within")
				c.Stats()
				_ = c.Purge(context.Background(), holdover.PurgeRequest{Tag: "t"})
			})[name]
			c = unclosed(t, cfg)
			h = c.Handler(answer(200, "x", "Cache-Control", "max-age=0, stale-while-revalidate=60"))
			after(t, background(func() {
				for range 3 { // a miss, and revalidations behind
					get(h)
				}
			}), "an answer while "+name+" asks")
			require.True(t, called.Load())
			require.NoError(t, c.Close())
		})
	}
}

// A slow function holds up its own request and no other, whichever of its calls it is.
func TestSlowCallbacksHoldUpNobodyElse(t *testing.T) {
	for name := range given(nil) {
		for call := range int64(4) {
			t.Run(fmt.Sprint(name, call), func(t *testing.T) {
				var calls atomic.Int64
				reached, release := make(chan struct{}), make(chan struct{})
				c := unclosed(t, given(func() {
					if calls.Add(1) == call+1 {
						close(reached)
						<-release
					}
				})[name])
				h := c.Handler(answer(200, "x", "Cache-Control", "max-age=60"))
				first := background(func() { ask(h, "GET", "http://example.com/slow") })
				select {
				case <-reached:
				case <-first: // so often it isn't called
				}
				calls.Store(100)
				after(t, background(func() {
					for _, path := range []string{"a", "a", "b"} {
						ask(h, "GET", "http://example.com/"+path)
					}
				}), "answers to others")
				close(release)
				after(t, first, "the answer to the first")
				require.NoError(t, c.Close())
			})
		}
	}
}

// unclosed makes a cache that a failed test leaves open: Close would wait for the lock.
func unclosed(t *testing.T, cfg holdover.Config) *holdover.Cache {
	t.Helper()
	c, err := holdover.New(cfg)
	require.NoError(t, err)
	return c
}

// background runs f and returns what is closed when it has.
func background(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}
