// SPDX-License-Identifier: MIT

package outage_test

import (
	"context"
	"errors"
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var phaseLength = flag.Duration("phase", 3*time.Second, "how long each phase lasts")

const (
	lifetime = time.Second            // what the origin says
	settling = 2 * time.Second        // of a failing phase, before the trickle is judged
	noise    = 250 * time.Millisecond // of a busy machine
)

// script is one measurement.
type script struct {
	name         string
	keys         int
	cacheControl string
	modes        []mode
}

// perSecond is how many requests a script sends.
const perSecond = 100

const window = "max-age=1, stale-if-error=600"

var (
	apart  = []mode{healthy, unavailable, healthy, hanging, healthy, resetting, healthy, truncating, healthy}
	inARow = []mode{healthy, unavailable, hanging, resetting, truncating, refusing, healthy}
	broken = []mode{healthy, choking, healthy, stalling, healthy, freezing, healthy}
	unplug = []mode{healthy, refusing, healthy}
)

var scripts = []script{
	{"1 key", 1, window, apart},
	{"20 keys", 20, window, apart},
	{"100 keys", 100, window, apart},
	{"one failure after the other", 20, window, inARow},
	{"broken bodies, frozen requests", 20, window, broken},
	{"disconnected, without a window", 20, "max-age=1", unplug},
}

// TestOutage plays all scripts at the same time, each with its own proxy.
func TestOutage(t *testing.T) {
	plays := make([]*play, len(scripts))
	for i, s := range scripts {
		plays[i] = s.prepare(t)
	}
	var running sync.WaitGroup
	for _, p := range plays {
		running.Go(func() { p.run(t.Context()) })
	}
	running.Wait()
	for _, p := range plays {
		t.Run(p.script.name, p.check)
	}
}

// trickle is how many requests a second may reach a failing origin.
func (s script) trickle() float64 { return min(max(0.2*float64(s.keys), 1), 10) }

// play is a script with its servers.
type play struct {
	script script
	origin *origin
	load   *load
	phases []phase
	err    error
}

// prepare starts the servers and asks for each key once.
func (s script) prepare(t *testing.T) *play {
	o := startOrigin(t, s.cacheControl)
	l := newLoad(startProxy(t, o), s.keys)
	for _, key := range l.keys {
		require.NoError(t, l.ask(key).err, "warming")
	}
	return &play{script: s, origin: o, load: l}
}

// run goes through the modes under load.
func (p *play) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var loading sync.WaitGroup
	loading.Go(func() { p.load.run(ctx, perSecond) })
	for _, m := range p.script.modes {
		p.err = errors.Join(p.err, p.origin.play(m))
		from := time.Now()
		time.Sleep(*phaseLength)
		p.phases = append(p.phases, phase{mode: m, from: from, to: time.Now()})
	}
	cancel()
	loading.Wait()
	for i := range p.phases {
		ph := &p.phases[i]
		ph.answers, ph.arrivals = p.load.between(ph.from, ph.to), p.origin.between(ph.from, ph.to)
	}
}

func (p *play) check(t *testing.T) {
	require.NoError(t, p.err)
	for i := range p.phases {
		ph := &p.phases[i]
		ph.log(t)
		for _, a := range ph.failures() {
			t.Errorf("%s: %s after %v: %v", ph.mode, a.key, a.begun.Sub(ph.from), a.err)
		}
		for _, a := range ph.untold() {
			t.Errorf("%s: %v old, and says %q", ph.mode, a.begun.Sub(a.made), a.status)
		}
		if ph.failing() {
			p.script.checkFailing(t, ph)
		} else {
			p.script.checkHealthy(t, ph)
		}
	}
}

// checkFailing: at most one request for each key and second reaches the origin,
// and once the failing has shown, no more than the trickle, whatever the window.
func (s script) checkFailing(t *testing.T, p *phase) {
	if gap := p.sameKey(); gap < time.Second-noise {
		t.Errorf("%s: the origin was asked for the same key again after %v", p.mode, gap)
	}
	if ahead := p.after(settling).excess(s.trickle()); ahead > noise {
		t.Errorf("%s: more than %v a second reached the origin: %v ahead", p.mode, s.trickle(), ahead)
	}
}

// checkHealthy: as soon as the next probe was due, everything is fresh again. A
// machine that stands still may make single answers stale, under 5 %. Three failures
// in a row make the origin count as failing; of a single key, which fails at most
// once a second, there may have been two, after which it rests 2 s ± 10 %.
func (s script) checkHealthy(t *testing.T, p *phase) {
	due := time.Duration(float64(time.Second) / s.trickle())
	if s.keys == 1 {
		due = 2200 * time.Millisecond
	}
	back := p.after(due + noise)
	stale := back.stale()
	if len(stale)*20 >= len(back.answers) {
		t.Errorf("%d of %d answers stale, from %v after the origin was back", len(stale), len(back.answers), due+noise)
	}
	for _, a := range stale[:min(len(stale), 5)] {
		t.Logf("stale %v after the origin was back: %s, took %v", a.begun.Sub(p.from), a.status, a.took)
	}
}
