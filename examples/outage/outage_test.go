// SPDX-License-Identifier: MIT

package outage_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var phaseLength = flag.Duration("phase", 3*time.Second, "how long each phase lasts")

const (
	lifetime = time.Second     // what the origin says
	settling = 2 * time.Second // of a failing phase, before the trickle is judged
	noise    = 100 * time.Millisecond
)

// script is one measurement.
type script struct {
	keys         int
	perSecond    int
	cacheControl string
	modes        []mode
}

// play warms all keys and goes through the modes under load.
func (s script) play(t *testing.T) []phase {
	o := startOrigin(t, s.cacheControl)
	l := newLoad(startProxy(t, o), s.keys)
	for _, key := range l.keys {
		require.NoError(t, l.ask(key).err, "warming")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx, s.perSecond) })
	var phases []phase
	for _, m := range s.modes {
		require.NoError(t, o.play(m))
		p := phase{mode: m, from: time.Now()}
		time.Sleep(*phaseLength)
		p.to = time.Now()
		phases = append(phases, p)
	}
	cancel()
	running.Wait()
	for i := range phases {
		p := &phases[i]
		p.answers, p.arrivals = l.between(p.from, p.to), o.between(p.from, p.to)
		p.log(t, lifetime)
	}
	return phases
}

// trickle is how many requests a second may reach a failing origin.
func (s script) trickle() float64 { return min(max(0.2*float64(s.keys), 1), 10) }

var all = []mode{healthy, unavailable, healthy, hanging, healthy, resetting, healthy, truncating, healthy, refusing, healthy}

func TestOutage(t *testing.T) {
	t.Parallel()
	for _, keys := range []int{1, 20, 100} {
		t.Run(fmt.Sprintf("%d keys", keys), func(t *testing.T) {
			t.Parallel()
			s := script{keys: keys, perSecond: 100, cacheControl: "max-age=1, stale-if-error=600", modes: all}
			s.check(t, s.play(t))
		})
	}
	t.Run("one failure after the other", func(t *testing.T) {
		t.Parallel()
		modes := []mode{healthy, unavailable, hanging, resetting, truncating, refusing, healthy}
		s := script{keys: 20, perSecond: 100, cacheControl: "max-age=1, stale-if-error=600", modes: modes}
		s.check(t, s.play(t))
	})
	t.Run("disconnected", func(t *testing.T) {
		t.Parallel()
		s := script{keys: 20, perSecond: 100, cacheControl: "max-age=1", modes: []mode{healthy, refusing, healthy, hanging, healthy}}
		s.check(t, s.play(t))
	})
}

func (s script) check(t *testing.T, phases []phase) {
	for i := range phases {
		p := &phases[i]
		for _, a := range p.failures() {
			t.Errorf("%s: %s after %v: %v", p.mode, a.key, a.begun.Sub(p.from), a.err)
		}
		if p.failing() {
			s.checkFailing(t, p)
		}
	}
	s.checkHealthy(t, phases)
}

func (s script) checkFailing(t *testing.T, p *phase) {
	if least := p.sameKey(); least < time.Second-noise {
		t.Errorf("%s: the same key was asked for again after %v", p.mode, least)
	}
	if ahead := excess(p.settled(settling), s.trickle()); ahead > noise {
		t.Errorf("%s: more than %v a second reached the origin: %v ahead", p.mode, s.trickle(), ahead)
	}
}

func (s script) checkHealthy(t *testing.T, phases []phase) {
	gap := time.Duration(math.Ceil(float64(time.Second) / s.trickle()))
	for i := range phases {
		p := &phases[i]
		if p.failing() || i == 0 {
			continue
		}
		if after := p.recovered(); after > gap+noise {
			t.Errorf("stale still %v after the origin was back", after)
		}
	}
}
