// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
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

// A function of the user's may use the cache itself: no lock is held around it.
func TestCallbacksMayAskTheCache(t *testing.T) {
	for name := range given(nil) {
		t.Run(name, func(t *testing.T) {
			var c *holdover.Cache
			var h http.Handler
			var within, called atomic.Bool
			cfg := given(func() {
				if within.CompareAndSwap(false, true) { // once, else it goes on for ever
					called.Store(true)
					ask(h, "GET", "http://example.com/within")
					c.Stats()
					_ = c.Purge(context.Background(), holdover.PurgeRequest{Tag: "t"})
				}
			})[name]
			c = newCache(t, cfg)
			h = c.Handler(answer(200, "x", "Cache-Control", "max-age=0, stale-while-revalidate=60"))
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 3 { // a miss, and revalidations behind
					within.Store(false)
					get(h)
				}
			}()
			after(t, done, "an answer while "+name+" asks")
			require.True(t, called.Load())
		})
	}
}

// A slow function holds up its own request and no other.
func TestSlowCallbacksHoldUpNobodyElse(t *testing.T) {
	for name := range given(nil) {
		t.Run(name, func(t *testing.T) {
			var slow atomic.Bool
			reached, release := make(chan struct{}), make(chan struct{})
			h := newCache(t, given(func() {
				if slow.CompareAndSwap(true, false) {
					close(reached)
					<-release
				}
			})[name]).Handler(answer(200, "x", "Cache-Control", "max-age=60"))
			slow.Store(true)
			held := make(chan struct{})
			go func() {
				defer close(held)
				ask(h, "GET", "http://example.com/slow")
			}()
			after(t, reached, name)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, path := range []string{"a", "a", "b"} {
					ask(h, "GET", "http://example.com/"+path)
				}
			}()
			after(t, done, "answers to others")
			close(release)
			after(t, held, "the answer to the first")
		})
	}
}
