// SPDX-License-Identifier: MIT

package backoff_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

// world plays random events against Step over a virtual clock and checks the
// rules with plain memories of all that happened.
type world struct {
	*origin
	t   *testing.T
	rng *rand.Rand

	running     map[uint64][]int64 // starts of fetches under way, per key
	asked       map[uint64]int64   // last ask with a copy
	lastProbe   int64
	lastFetch   map[uint64]int64
	failures    int
	failing     bool
	failedFrom  int64 // when the latest fetch of the failures in a row began
	lastSuccess int64
	bounded     []int64 // fetches that the budget is for
}

func TestRulesHoldForRandomEvents(t *testing.T) {
	for seed := range uint64(16) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cfg := backoff.Config{Background: 5, Total: float64(rng.IntN(2) * 40)}
		w := &world{
			origin: newOrigin(cfg), t: t, rng: rng,
			running: map[uint64][]int64{}, asked: map[uint64]int64{}, lastFetch: map[uint64]int64{},
		}
		keys := 1 + rng.IntN(80)
		pace := 1 + rng.Int64N(int64(200*time.Millisecond))
		broken := false
		for range 2000 {
			w.now += rng.Int64N(pace)
			broken = broken != (rng.IntN(150) == 0)
			w.act(uint64(rng.IntN(keys)), broken)
			if t.Failed() {
				return
			}
		}
		w.checkBudget(w.bounded, max(5, cfg.Total), 1)
	}
}

func (w *world) act(key uint64, broken bool) {
	switch n := len(w.running[key]); {
	case n == 0 || w.rng.IntN(3) == 0:
		w.tryFetch(key)
	case w.rng.IntN(10) == 0: // cancelled with its client: no event
		w.running[key] = w.running[key][:n-1]
	case broken:
		w.end(key, backoff.Failed)
	default:
		w.end(key, backoff.Succeeded)
	}
}

func (w *world) tryFetch(key uint64) {
	e := backoff.Event{Key: key, HasCopy: w.rng.IntN(5) > 0, Background: w.rng.IntN(2) == 0}
	if e.HasCopy {
		w.asked[key] = w.now
	}
	p := w.step(e)
	require.Equal(w.t, w.failing, p.Failing)
	if p.Fetch {
		w.checkGranted(e)
		w.running[key] = append(w.running[key], w.now)
		w.lastFetch[key] = w.now
		return
	}
	require.True(w.t, e.HasCopy, "a key without a copy was denied")
	require.NotEqual(w.t, backoff.Allowed, p.Reason)
	require.Greater(w.t, p.NotBefore, w.now)
	w.checkNotBefore(e, p)
}

func (w *world) checkGranted(e backoff.Event) {
	if !e.HasCopy {
		return
	}
	if e.Background || w.cfg.Total > 0 {
		w.bounded = append(w.bounded, w.now)
	}
	if !w.failing {
		return
	}
	n := 0
	for _, at := range w.asked {
		if w.now-at < int64(10*time.Second) {
			n++
		}
	}
	rate := min(max(0.2*float64(n), 1), 10)
	require.GreaterOrEqual(w.t, float64(w.now-w.lastProbe)*rate, float64(time.Second)-rate, "trickle")
	if last, ok := w.lastFetch[e.Key]; ok {
		require.GreaterOrEqual(w.t, w.now-last, int64(time.Second), "one per key and second")
	}
	w.lastProbe = w.now
}

// checkNotBefore asks a copy of the state again at the instant it named: then
// the fetch is allowed, if nothing else happened.
func (w *world) checkNotBefore(e backoff.Event, p backoff.Permission) {
	scope, key := w.scope, *w.keys[e.Key]
	at := p.NotBefore
	for range 3 { // a probe gives way once, and fewer keys count by then
		if p = backoff.Step(w.cfg, &scope, &key, e, at); p.Fetch {
			return
		}
		at = p.NotBefore
	}
	require.True(w.t, p.Fetch, "locked: %+v", p)
}

func (w *world) end(key uint64, kind backoff.Kind) {
	i := w.rng.IntN(len(w.running[key]))
	started := w.running[key][i]
	w.running[key] = append(w.running[key][:i], w.running[key][i+1:]...)
	e := backoff.Event{Kind: kind, Key: key, HasCopy: true, Started: started, Random: w.rng.Float64()}
	if w.rng.IntN(20) == 0 {
		e.RetryAfter = time.Duration(w.rng.Int64N(int64(time.Minute)))
	}
	e.Local = kind == backoff.Failed && w.rng.IntN(3) == 0
	e.Answered = started + w.rng.Int64N(w.now-started+1)
	wasFailing := w.failing
	switch {
	case kind == backoff.Succeeded:
		if w.failures == 0 || e.Answered >= w.failedFrom {
			w.failures, w.failing, w.lastSuccess = 0, false, max(w.lastSuccess, e.Answered)
		}
	case !e.Local && started >= w.lastSuccess:
		if w.failures == 0 {
			w.failedFrom = 0
		}
		w.failedFrom = max(w.failedFrom, started)
		w.failures++
		w.failing = w.failing || w.failures >= 3
	}
	p := w.step(e)
	require.Equal(w.t, w.failing, p.Failing)
	if wasFailing && !w.failing {
		w.checkAllOpen()
	}
}

// checkAllOpen asks for every key, on copies of the state.
func (w *world) checkAllOpen() {
	for key, state := range w.keys {
		scope, k := w.scope, *state
		p := backoff.Step(w.cfg, &scope, &k, backoff.Event{Key: key, HasCopy: true}, w.now)
		require.True(w.t, p.Fetch || p.Reason == backoff.Budget, "key %d after the recovery: %+v", key, p)
	}
}

// checkBudget checks every window that begins and ends with a fetch.
func (w *world) checkBudget(at []int64, rate, burst float64) {
	for i := range at {
		for j := i; j < min(i+60, len(at)); j++ {
			seconds := time.Duration(at[j] - at[i]).Seconds()
			require.LessOrEqual(w.t, float64(j-i+1), burst+rate*seconds+1e-6)
		}
	}
}
