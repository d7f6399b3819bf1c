// SPDX-License-Identifier: MIT

package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/backoff"
)

const start = int64(1_800_000_000_000_000_000)

// origin is a scope with its keys and a clock that tests set.
type origin struct {
	cfg   backoff.Config
	scope backoff.Scope
	keys  map[uint64]*backoff.Key
	now   int64
}

func newOrigin(cfg backoff.Config) *origin {
	return &origin{cfg: cfg.WithDefaults(), keys: map[uint64]*backoff.Key{}, now: start}
}

func (o *origin) step(e backoff.Event) backoff.Permission {
	if o.keys[e.Key] == nil {
		o.keys[e.Key] = &backoff.Key{}
	}
	return backoff.Step(o.cfg, &o.scope, o.keys[e.Key], e, o.now)
}

func (o *origin) ask(key uint64) backoff.Permission {
	return o.step(backoff.Event{Kind: backoff.Ask, Key: key, HasCopy: true})
}

func (o *origin) askBare(key uint64) backoff.Permission {
	return o.step(backoff.Event{Kind: backoff.Ask, Key: key})
}

// fail reports a fetch that began just now; without jitter.
func (o *origin) fail(key uint64) backoff.Permission {
	return o.step(backoff.Event{Kind: backoff.Failed, Key: key, HasCopy: true, Started: o.now, Random: 0.5})
}

func (o *origin) succeed(key uint64) backoff.Permission {
	return o.step(backoff.Event{Kind: backoff.Succeeded, Key: key, HasCopy: true, Started: o.now})
}

func (o *origin) pass(d time.Duration) { o.now += int64(d) }

func (o *origin) wait(p backoff.Permission) time.Duration { return time.Duration(p.NotBefore - o.now) }

func TestHealthyKeyIsAllowed(t *testing.T) {
	o := newOrigin(backoff.Config{})
	require.Equal(t, backoff.Permission{Fetch: true}, o.ask(1))
	require.Equal(t, backoff.Permission{Fetch: true}, o.ask(1), "an unfinished fetch locks nothing")
	require.Equal(t, backoff.Permission{Fetch: true}, o.askBare(1))
}

func TestKeyRestsTwiceAsLongAfterEachFailure(t *testing.T) {
	o := newOrigin(backoff.Config{FailAfter: -1})
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		want *= time.Second
		told := o.fail(1)
		require.False(t, told.Fetch)
		require.Equal(t, want, o.wait(told))

		o.pass(want - 1)
		require.Equal(t, backoff.KeyBackOff, o.ask(1).Reason)
		require.True(t, o.askBare(1).Fetch)
		require.True(t, o.ask(2).Fetch, "other keys have nothing to do with it")
		o.pass(1)
		require.True(t, o.ask(1).Fetch)
	}
	o.succeed(1)
	require.Equal(t, time.Second, o.wait(o.fail(1)), "a success starts over")
}

func TestRest(t *testing.T) {
	for _, c := range []struct {
		name     string
		cfg      backoff.Config
		random   float64
		failures int
		want     time.Duration
	}{
		{"jitter shortens", backoff.Config{}, 0, 1, 900 * time.Millisecond},
		{"jitter lengthens", backoff.Config{}, 0.75, 1, 1050 * time.Millisecond},
		{"jitter on top of the largest", backoff.Config{}, 0.75, 9, 31500 * time.Millisecond},
		{"own jitter", backoff.Config{Jitter: 0.5}, 0, 1, 500 * time.Millisecond},
		{"jitter off", backoff.Config{Jitter: -1}, 0, 1, time.Second},
		{"jitter bounded", backoff.Config{Jitter: 7}, 0, 1, 0},
		{"own first and largest", backoff.Config{First: 3 * time.Second, Max: 10 * time.Second}, 0.5, 3, 10 * time.Second},
		{"largest below first", backoff.Config{First: time.Minute}, 0.5, 4, time.Minute},
		{"off", backoff.Config{First: -1}, 0.5, 4, 0},
		{"count saturates", backoff.Config{}, 0.5, 70_000, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.FailAfter = -1
			o := newOrigin(c.cfg)
			e := backoff.Event{Kind: backoff.Failed, Key: 1, HasCopy: true, Started: o.now, Random: c.random}
			for range c.failures {
				o.step(e)
			}
			p := o.ask(1)
			require.Equal(t, c.want == 0, p.Fetch)
			if c.want > 0 {
				require.Equal(t, c.want, o.wait(p))
			}
		})
	}
}

func TestScopeFails(t *testing.T) {
	o := newOrigin(backoff.Config{})
	require.False(t, o.fail(1).Failing)
	require.False(t, o.fail(2).Failing)
	o.succeed(3)
	require.False(t, o.fail(1).Failing)
	require.False(t, o.fail(2).Failing)
	require.True(t, o.fail(3).Failing, "three in a row, no matter of which keys")
	o.pass(time.Hour)
	require.True(t, o.ask(1).Failing, "until a success, however long that takes")
	require.False(t, o.succeed(9).Failing)
	require.False(t, o.scope.Failing())
}

func TestOldFailuresDoNotCount(t *testing.T) {
	o := newOrigin(backoff.Config{})
	began := o.now
	o.pass(time.Second)
	o.succeed(1)
	for range 5 {
		o.pass(time.Second)
		p := o.step(backoff.Event{Kind: backoff.Failed, Key: 2, Started: began, Random: 0.5})
		require.False(t, p.Failing, "those fetches began before the last success")
	}
	require.False(t, o.ask(2).Fetch, "of the key they count: its scope was well all the time")

	for range 3 {
		o.fail(3)
	}
	began = o.now
	o.pass(time.Second)
	o.succeed(1)
	require.Equal(t, o.now, o.scope.RecoveredAt())
	o.pass(time.Second)
	o.step(backoff.Event{Kind: backoff.Failed, Key: 3, HasCopy: true, Started: began, RetryAfter: time.Minute})
	require.True(t, o.ask(3).Fetch, "a fetch from before the recovery holds up nothing")

	o.succeed(3)
	o.step(backoff.Event{Kind: backoff.Failed, Key: 3, HasCopy: true, Started: o.now - 1})
	require.True(t, o.ask(3).Fetch, "nor one from before the key's own success")
}

func TestTrickleTakesThePlaceOfTheKeysRest(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for range 8 {
		o.fail(1) // would rest for 30 s
	}
	require.True(t, o.ask(1).Fetch, "the first probe is due at once")
	o.pass(time.Second - 1)
	p := o.ask(1)
	require.Equal(t, backoff.Permission{NotBefore: o.now + 1, Reason: backoff.ScopeTrickle, Failing: true}, p)
	require.Equal(t, backoff.ScopeTrickle, o.ask(2).Reason, "healthy keys share it")
	require.True(t, o.askBare(2).Fetch)
	o.pass(1)
	require.Equal(t, backoff.ScopeTrickle, o.ask(2).Reason, "it was fetched a moment ago")
	require.True(t, o.ask(3).Fetch)
}

func TestTrickleRate(t *testing.T) {
	for _, c := range []struct {
		keys, perSecond int
		cfg             backoff.Config
	}{
		{keys: 2, perSecond: 1},
		{keys: 5, perSecond: 1},
		{keys: 20, perSecond: 4},
		{keys: 50, perSecond: 10},
		{keys: 90, perSecond: 10},
		{keys: 90, perSecond: 20, cfg: backoff.Config{TricklePerKey: 0.3125, TrickleMax: 40}}, // counts 64
		{keys: 10, perSecond: 3, cfg: backoff.Config{TricklePerKey: 0.001, TrickleMin: 3}},
		{keys: 10, perSecond: 10, cfg: backoff.Config{TricklePerKey: 50, TrickleMax: 50}}, // one per key
	} {
		o := newOrigin(c.cfg)
		for range 3 {
			o.fail(1)
		}
		const tick, seconds = 10 * time.Millisecond, 9
		granted := 0
		for i := range int(seconds * time.Second / tick) {
			for j := range min(c.keys, 10) { // all in turn, 1,000 a second
				if o.ask(uint64((10*i+j)%c.keys)).Fetch && i >= 100 {
					granted++
				}
			}
			o.pass(tick)
		}
		require.InDelta(t, c.perSecond*(seconds-1), granted, 0.02*float64(c.perSecond*seconds)+1, "%d keys", c.keys)
	}
}

func TestTrickleForgetsKeysNobodyAsksFor(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for range 3 {
		o.fail(1)
	}
	for key := range uint64(50) {
		o.ask(key)
	}
	require.Equal(t, 100*time.Millisecond, o.wait(o.ask(100)))
	o.pass(10 * time.Second)
	require.True(t, o.ask(100).Fetch)
	require.Equal(t, time.Second, o.wait(o.ask(101)), "two keys were asked for in the last 10 s")
}

func TestBusyKeyLeavesProbesToOthers(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for range 3 {
		o.fail(1)
	}
	const busy, rare = 1, 2
	granted := map[uint64]int{}
	for i := range 20_000 {
		if o.ask(busy).Fetch {
			granted[busy]++
			o.fail(busy)
		}
		if i%700 == 0 && o.ask(rare).Fetch {
			granted[rare]++
			o.fail(rare)
		}
		o.pass(time.Millisecond)
	}
	require.Greater(t, granted[rare], 5)
	require.Greater(t, granted[busy], 5)

	o.ask(rare) // put off, and never asked for again
	granted[busy] = 0
	for range 10_000 {
		if o.ask(busy).Fetch {
			granted[busy]++
		}
		o.pass(time.Millisecond)
	}
	require.InDelta(t, 10, granted[busy], 2, "nobody else wants the probes")
}

func TestRecoveryClearsAllKeys(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for key := range uint64(100) {
		for range 4 {
			o.fail(key)
		}
	}
	o.step(backoff.Event{Kind: backoff.Failed, Key: 1, Started: o.now, RetryAfter: time.Minute})
	o.ask(0)
	require.False(t, o.ask(1).Fetch)
	require.True(t, o.succeed(50).Fetch)
	for key := range uint64(100) {
		require.Equal(t, backoff.Permission{Fetch: true}, o.ask(key))
		require.Zero(t, o.keys[key].Failures)
	}
}

func TestOrdinarySuccessClearsItsKeyOnly(t *testing.T) {
	o := newOrigin(backoff.Config{})
	o.fail(1)
	o.fail(2)
	o.succeed(2)
	require.True(t, o.ask(2).Fetch)
	require.Equal(t, backoff.KeyBackOff, o.ask(1).Reason)
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  time.Duration
		want   time.Duration
		reason backoff.Reason
	}{
		{"longer than the rest", 20 * time.Second, 20 * time.Second, backoff.RetryAfter},
		{"shorter than the rest", time.Millisecond, time.Second, backoff.KeyBackOff},
		{"capped", 240 * time.Hour, backoff.MaxRetryAfter, backoff.RetryAfter},
		{"overflowing", math.MaxInt64, backoff.MaxRetryAfter, backoff.RetryAfter},
		{"negative", -time.Hour, time.Second, backoff.KeyBackOff},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(backoff.Config{})
			o.step(backoff.Event{Kind: backoff.Failed, Key: 1, Started: o.now, Random: 0.5, RetryAfter: c.asked})
			p := o.ask(1)
			require.Equal(t, c.reason, p.Reason)
			require.Equal(t, c.want, o.wait(p))
			require.True(t, o.askBare(1).Fetch)
			o.pass(c.want)
			require.True(t, o.ask(1).Fetch)
		})
	}
}

func TestRetryAfterHoldsInAFailingScope(t *testing.T) {
	o := newOrigin(backoff.Config{})
	for key := range uint64(3) {
		o.step(backoff.Event{Kind: backoff.Failed, Key: key, Started: o.now, RetryAfter: time.Minute})
	}
	for key := range uint64(3) {
		require.Equal(t, backoff.RetryAfter, o.ask(key).Reason)
	}
	require.True(t, o.ask(3).Fetch, "this key may be probed")
}

func TestBudgets(t *testing.T) {
	background := backoff.Event{Key: 1, HasCopy: true, Background: true}
	foreground := backoff.Event{Key: 1, HasCopy: true}
	bare := backoff.Event{Key: 1}
	for _, c := range []struct {
		name  string
		cfg   backoff.Config
		event backoff.Event
		burst int           // granted at once
		next  time.Duration // until the next; 0 = no bound
	}{
		{"background by default", backoff.Config{}, background, 10, 10 * time.Millisecond},
		{"background, small", backoff.Config{Background: 0.5}, background, 1, 2 * time.Second},
		{"background off", backoff.Config{Background: -1}, background, 1000, 0},
		{"foreground by default", backoff.Config{}, foreground, 1000, 0},
		{"all, foreground", backoff.Config{Total: 20}, foreground, 1, 50500 * time.Microsecond},
		{"all, background", backoff.Config{Total: 20, Background: 1}, background, 1, 50500 * time.Microsecond},
		{"all, without a copy", backoff.Config{Total: 1}, bare, 1000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(c.cfg)
			for range c.burst {
				require.True(t, o.step(c.event).Fetch)
			}
			p := o.step(c.event)
			if c.next == 0 {
				require.True(t, p.Fetch)
				return
			}
			require.Equal(t, backoff.Budget, p.Reason)
			require.Equal(t, c.next, o.wait(p))
			o.pass(c.next)
			require.True(t, o.step(c.event).Fetch)
			require.False(t, o.step(c.event).Fetch)
			o.pass(time.Hour)
			for range c.burst {
				require.True(t, o.step(c.event).Fetch)
			}
			require.False(t, o.step(c.event).Fetch, "a rested bucket holds no more than its burst")
		})
	}
}

// One budget for all means that they share it.
func TestTotalBudgetIsShared(t *testing.T) {
	o := newOrigin(backoff.Config{Total: 20})
	require.True(t, o.step(backoff.Event{Key: 1, HasCopy: true, Background: true}).Fetch)
	require.Equal(t, backoff.Budget, o.ask(2).Reason)
	o.pass(51 * time.Millisecond)
	require.True(t, o.ask(2).Fetch)
	require.Equal(t, backoff.Budget, o.step(backoff.Event{Key: 3, HasCopy: true, Background: true}).Reason)
}

// Who only looks takes nothing, but was asked for.
func TestLookTakesNothing(t *testing.T) {
	o := newOrigin(backoff.Config{Total: 1})
	look := backoff.Event{Kind: backoff.Look, Key: 1, HasCopy: true}
	for range 3 {
		require.True(t, o.step(look).Fetch)
	}
	require.True(t, o.ask(1).Fetch)
	require.Equal(t, backoff.Budget, o.step(look).Reason)

	o = newOrigin(backoff.Config{})
	for range 3 {
		o.fail(1)
	}
	o.pass(time.Minute)
	require.True(t, o.step(look).Fetch)
	require.True(t, o.step(look).Fetch, "the probe is still there")
	for key := range uint64(10) { // ten keys that are asked for get two probes a second
		look.Key = key
		o.step(look)
	}
	require.True(t, o.ask(1).Fetch)
	require.Equal(t, 500*time.Millisecond, o.wait(o.ask(2)))
}

// A body that took long says nothing about the origin at its end: what counts is when the
// header came.
func TestSuccessCountsWhenItsHeaderCame(t *testing.T) {
	o := newOrigin(backoff.Config{})
	long, header := o.now, o.now+int64(time.Second)
	o.pass(time.Minute)
	for key := range uint64(3) {
		o.fail(key)
	}
	between := o.now
	o.pass(time.Second)
	p := o.step(backoff.Event{Kind: backoff.Succeeded, Key: 9, Started: long, Answered: header})
	require.True(t, p.Failing, "it answered before the failures")
	p = o.step(backoff.Event{Kind: backoff.Succeeded, Key: 8, Started: long, Answered: between + 1})
	require.False(t, p.Failing, "it hung, and was answered after them")

	o.fail(1)
	o.fail(2)
	o.step(backoff.Event{Kind: backoff.Succeeded, Key: 9, Started: long, Answered: header})
	require.True(t, o.fail(3).Failing, "nor does it interrupt a row")

	o = newOrigin(backoff.Config{})
	o.fail(1)
	o.pass(time.Second)
	header = o.now
	for range 60 {
		o.pass(time.Second)
		o.fail(2)
	}
	p = o.step(backoff.Event{Kind: backoff.Succeeded, Key: 3, Started: header - 1, Answered: header})
	require.True(t, p.Failing, "it answered between failures, and failed since")
}

func TestDeniedFetchCostsNothing(t *testing.T) {
	o := newOrigin(backoff.Config{Background: 1})
	background := backoff.Event{Key: 1, HasCopy: true, Background: true}
	o.fail(1)
	for range 5 {
		require.Equal(t, backoff.KeyBackOff, o.step(background).Reason)
	}
	o.pass(time.Second)
	require.True(t, o.step(background).Fetch)
	for range 3 {
		o.fail(2)
	}
	background.Key = 3
	require.Equal(t, backoff.Budget, o.step(background).Reason)
	require.True(t, o.ask(4).Fetch, "the probe is still there")
}

func TestClockSetBack(t *testing.T) {
	o := newOrigin(backoff.Config{Total: 1})
	for range 9 {
		o.fail(1)
	}
	o.step(backoff.Event{Kind: backoff.Failed, Key: 1, Started: o.now, RetryAfter: time.Hour})
	o.step(backoff.Event{Key: 2, HasCopy: true, Background: true})
	o.ask(3)
	o.pass(-24 * time.Hour)
	require.True(t, o.step(backoff.Event{Key: 1, HasCopy: true, Background: true}).Fetch, "nothing waits for a day")

	o = newOrigin(backoff.Config{})
	o.succeed(1)
	o.pass(-24 * time.Hour)
	for range 3 {
		o.fail(1)
	}
	require.True(t, o.scope.Failing(), "failures count again at once")
	o.ask(1)
	o.pass(-time.Millisecond)
	require.False(t, o.ask(2).Fetch, "a reading that is a little late grants no extra probe")

	for key := range uint64(50) {
		o.ask(key)
	}
	o.pass(-24 * time.Hour)
	o.ask(100)
	require.Equal(t, time.Second, o.wait(o.ask(101)), "keys asked for in the future don't count")
	for key := range uint64(50) {
		o.ask(200 + key)
	}
	require.Less(t, o.wait(o.ask(300)), 110*time.Millisecond, "nor do they take up room")
}

func TestReasonNames(t *testing.T) {
	require.Equal(t, "allowed", backoff.Allowed.String())
	require.Equal(t, "budget", backoff.Budget.String())
	require.Equal(t, "unknown", backoff.Reason(99).String())
}

func TestStepAllocatesNothing(t *testing.T) {
	o := newOrigin(backoff.Config{})
	o.fail(1)
	require.Zero(t, testing.AllocsPerRun(100, func() { o.ask(1); o.fail(1) }))
}

func BenchmarkAsk(b *testing.B) {
	o := newOrigin(backoff.Config{})
	for key := range uint64(50) {
		o.ask(key)
		o.fail(key)
	}
	b.ReportAllocs()
	for b.Loop() {
		o.ask(49)
		o.now += 1000
	}
}

// A local failure is its key's alone: the key rests and heeds Retry-After, and the scope
// has heard nothing.
func TestLocalFailureCountsForItsKeyOnly(t *testing.T) {
	o := newOrigin(backoff.Config{})
	before := o.scope
	for key := range uint64(100) {
		o.step(backoff.Event{Kind: backoff.Failed, Key: key, Started: o.now, Random: 0.5, Local: true, RetryAfter: time.Minute})
	}
	require.Equal(t, before, o.scope)
	require.False(t, o.scope.Failing())
	require.True(t, o.ask(1000).Fetch, "others are asked")
	p := o.ask(1)
	require.False(t, p.Fetch)
	require.Equal(t, backoff.RetryAfter, p.Reason)
	require.Equal(t, time.Minute, o.wait(p))
	require.True(t, o.askBare(1).Fetch, "a key without a copy is always asked")

	for range 2 {
		o.step(backoff.Event{Kind: backoff.Failed, Key: 200, Started: o.now, Random: 0.5, Local: true})
	}
	require.EqualValues(t, 2, o.keys[200].Failures)
	require.Equal(t, backoff.KeyBackOff, o.ask(200).Reason)
}

// Between two others a local failure neither counts nor makes forget.
func TestLocalFailureAmongOthers(t *testing.T) {
	o := newOrigin(backoff.Config{FailAfter: 3})
	for key := range uint64(3) {
		require.False(t, o.scope.Failing())
		o.step(backoff.Event{Kind: backoff.Failed, Key: 100 + key, Started: o.now, Local: true})
		o.fail(key)
	}
	require.True(t, o.scope.Failing())
}
