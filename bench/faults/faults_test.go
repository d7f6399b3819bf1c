// SPDX-License-Identifier: MIT

package main

import (
	"flag"
	"path/filepath"
	"runtime/debug"
	"slices"
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
	var running sync.WaitGroup
	for _, p := range plays {
		site := openHoldover(t, binary, p.faults)
		running.Go(func() { p.phases, p.err = p.run(t.Context(), site) })
	}
	running.Wait()
	for _, p := range plays {
		t.Run(p.name, p.check)
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
	require.NoError(t, p.err)
	t.Logf("\n%s", phaseTable(p.phases))
	for _, v := range judge(p.limits(), p.phases, judgedInTests) {
		for _, why := range v.missed {
			t.Errorf("%s: %s", v.promise, why)
		}
	}
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
