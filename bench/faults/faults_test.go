// SPDX-License-Identifier: MIT

package main

import (
	"flag"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/leaktest"
)

var phaseLength = flag.Duration("phase", 3*time.Second, "how long each phase lasts")

// raceDetector reports whether this test was built with it. The proxy then is, too,
// and ends with an error if it found something.
func raceDetector() bool {
	info, known := debug.ReadBuildInfo()
	return known && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	inARow = []behaviour{healthy, unavailable, hanging, resetting, truncating, refusing, healthy}
	broken = []behaviour{healthy, stalling, healthy, freezing, healthy}
	unplug = []behaviour{healthy, refusing, healthy}
)

// What is judged here says little about time, since the machine may be busy: neither the
// quantiles, nor how many answers are stale in so short a time of health.
var judgedInTests = append([]func(limits, []phase) verdict{answered, spared, coldHonest}, strictPromises...)

// TestFaults plays all scripts at the same time, each with a proxy of its own.
func TestFaults(t *testing.T) {
	every, err := parseFlags([]string{"-peers", "-phase", phaseLength.String()}, t.Output())
	require.NoError(t, err)
	play := func(name string, keys int, cacheControl string, behaviours ...behaviour) *played {
		s := every
		if behaviours != nil {
			s.behaviours = behaviours
		}
		return &played{name: name, faults: faults{s, keys, cacheControl}}
	}
	plays := []*played{
		play("1 page", 1, window),
		play("20 pages", 20, window),
		play("100 pages", 100, window),
		play("one failure after the other", 20, window, inARow...),
		play("broken bodies, frozen requests", 20, window, broken...),
		play("disconnected, without a window", 20, "max-age=1", unplug...),
	}
	binary := builtHoldover(t)
	awaitCalm(t)
	again := playScripts(t, binary, plays)
	if len(again) > 0 { // as a machine that stands still for a second makes it
		for _, p := range again {
			t.Logf("%s is played again, since the first time\n%s\n%s", p.name, strings.Join(p.misses(), "\n"), phaseTable(p.phases))
		}
		awaitCalm(t)
		playScripts(t, binary, again)
	}
	for _, p := range plays {
		t.Run(p.name, p.check)
	}
}

// playScripts plays the scripts at the same time and returns those that missed something.
func playScripts(t *testing.T, binary string, plays []*played) (missed []*played) {
	var running sync.WaitGroup
	for _, p := range plays {
		site := openHoldover(t, binary, p.faults)
		running.Go(func() { p.phases, p.err = p.run(t.Context(), site) })
	}
	running.Wait()
	for _, p := range plays {
		require.NoError(t, p.err)
		if len(p.misses()) > 0 {
			missed = append(missed, p)
		}
	}
	return missed
}

// awaitCalm waits until the machine has done what it is told in time for some seconds, as it
// doesn't while everything else is being built.
func awaitCalm(t *testing.T) {
	const nap, late, calm, longest = 10 * time.Millisecond, 100 * time.Millisecond, 3 * time.Second, 5 * time.Minute
	for begun, since := time.Now(), time.Now(); time.Since(since) < calm; {
		slept := time.Now()
		time.Sleep(nap)
		if time.Since(slept) > late {
			since = time.Now()
		}
		if time.Since(begun) > longest {
			t.Log("the machine is never calm")
			return
		}
	}
}

// played is a script and what came of it.
type played struct {
	faults
	name   string
	phases []phase
	err    error
}

func (p *played) check(t *testing.T) {
	t.Logf("\n%s", phaseTable(p.phases))
	for _, miss := range p.misses() {
		t.Error(miss)
	}
}

// misses returns the promises that were not kept, and why.
func (p *played) misses() (all []string) {
	for _, v := range judge(p.limits(), p.phases, judgedInTests) {
		for _, why := range v.missed {
			all = append(all, v.promise+": "+why)
		}
	}
	return all
}

func builtHoldover(t *testing.T) string {
	t.Helper()
	var flags []string
	if raceDetector() {
		flags = append(flags, "-race")
	}
	path := filepath.Join(t.TempDir(), "proxy")
	require.NoError(t, buildHoldover(path, flags...))
	return path
}

func openHoldover(t *testing.T, binary string, sc script) *site {
	t.Helper()
	s, err := allPeers(binary)[0].open(t.TempDir(), sc)
	if s != nil {
		t.Cleanup(func() { require.NoError(t, s.stop(), "it drains and closes") })
	}
	require.NoError(t, err)
	return s
}
