// SPDX-License-Identifier: MIT

package main

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

var (
	phaseLength = flag.Duration("phase", shortPhase, "how long the server is away in each phase of TestStoreOutage")
	loadRate    = flag.Int("rate", 300, "requests a second in TestStoreOutage")
)

// shortPhase is for a test among others.
const shortPhase = 2 * time.Second

// What clients notice when the store breaks, alone and with another one behind it: no request
// fails. The times that are printed depend on the machine, and say something only where
// nothing else runs:
//
//	go test -v -run TestStoreOutage ./examples/fleet -phase 5s -rate 1000
func TestStoreOutage(t *testing.T) {
	for _, name := range []string{"redis", "memcached", "postgres"} {
		t.Run(name, func(t *testing.T) { testOutage(t, name) })
	}
	if *phaseLength != shortPhase {
		t.Run("redis, then sqlite", func(t *testing.T) { testOutage(t, "redis", "-store", sqliteURL(t)) })
	}
}

func testOutage(t *testing.T, name string, more ...string) {
	if *phaseLength == shortPhase {
		t.Parallel()
	}
	server := servers[name].start(t)
	g := newGround(t, pages, long, append([]string{"-store", servers[name].url(server.Addr())}, more...))
	g.warm(0, g.site.all())
	var phases []phase
	answers := g.askWhile(*loadRate, func() { phases = g.playOutages(server) })
	for _, p := range phases {
		p.log(t)
		require.Zero(t, p.failed, "%s: %v\n%v", p.title, firstFailure(answers), g.log)
	}
	g.hits()
}

// hits waits until the store is used again.
func (g *ground) hits() {
	require.Eventually(g.t, func() bool { return g.get(0, 0).from == fresh }, soon, 5*time.Millisecond, "%v", g.log)
}

// playOutages breaks the server in all ways, with a phase in which it is well after each.
func (g *ground) playOutages(server *testserver.Server) (phases []phase) {
	away := *phaseLength
	for _, part := range []struct {
		title string
		lasts time.Duration
		play  func()
	}{
		{"healthy", away / 2, nothing},
		{"killed", away, server.Kill},
		{"back", away / 2, g.again(server.Start)},
		{"hung", away, server.Pause},
		{"back", away / 2, g.again(server.Resume)},
		{"flapping", away, func() { flap(server) }},
		{"recovered", away / 2, g.again(nothing)},
	} {
		began, answers, asked := time.Now(), len(g.clients.since(0)), g.site.askedAll()
		part.play()
		time.Sleep(part.lasts - time.Since(began))
		phases = append(phases, phase{part.title, time.Since(began), tallyOf(g.clients.since(answers)), g.site.askedAll() - asked})
	}
	return phases
}

func nothing() {}

// again waits until the server is used again.
func (g *ground) again(start func()) func() {
	return func() {
		start()
		g.awaitStore(0, 0)
	}
}

// flap lets the server be away and be back every 300 ms, killed and hung in turn.
func flap(server *testserver.Server) {
	for began, n := time.Now(), 0; time.Since(began) < *phaseLength; n++ {
		away, again := server.Kill, server.Start
		if n%2 == 1 {
			away, again = server.Pause, server.Resume
		}
		away()
		time.Sleep(flapPause)
		again()
		time.Sleep(flapPause)
	}
}

// log prints the row of a phase.
func (p phase) log(t *testing.T) {
	t.Logf("%-9s %6d requests  %d failed  p50 %7s  p99 %7s  max %7s  %5.2f %% over 5ms  %5.2f %% over 55ms  origin asked %5d times",
		p.title, p.requests, p.failed, milliseconds(p.quantile(0.5)), milliseconds(p.quantile(0.99)), milliseconds(p.quantile(1)),
		100*p.slower(5*time.Millisecond), 100*p.slower(storeDeadline+5*time.Millisecond), p.asked)
}

// storeDeadline is the proxy's default.
const storeDeadline = 50 * time.Millisecond

func firstFailure(answers []answer) error {
	for _, a := range answers {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}
