// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

// A Redis that comes back with all that it had, while SQLite stood in for it and pages were
// purged: nothing of that comes back, also where the processes died meanwhile, and Redis is used again.
func TestFailoverBringsNothingBack(t *testing.T) {
	durable := []string{"--appendonly", "yes", "--appendfsync", "always"}
	for name, tc := range map[string]struct {
		args  []string
		away  func(*testserver.Server, *wire)
		back  func(*testserver.Server, *wire)
		kills bool
	}{
		"hangs":                  {nil, pauseServer, resumeServer, false},
		"cut off, processes die": {nil, cutWire, mendWire, true},
		"is killed":              {durable, killServer, startServer, false},
		"is killed, as they are": {durable, killServer, startServer, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Redis(t, tc.args...)
			w := newWire(t, server.Addr())
			flags := []string{"-store", redisURL(w.addr()), "-store", sqliteURL(t), "-store-timeout", "500ms"}
			g := newGround(t, 21, long, flags, flags)
			g.warm(0, g.used())
			g.warm(1, g.used())

			tc.away(server, w)
			g.standIn()
			if tc.kills {
				g.restart()
			}
			time.Sleep(late) // all know it now
			tc.back(server, w)
			g.watchReturn()
			g.redisWorks(server)
		})
	}
}

// What changed while SQLite stood in, without a purge, doesn't change back when Redis returns
// with what it had: that is fresh by its lifetime, but older.
func TestFailoverKeepsTheNewer(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	flags := []string{"-store", redisURL(server.Addr()), "-store", sqliteURL(t), "-store-timeout", "500ms"}
	g := newGround(t, 21, long, flags, flags)
	g.warm(0, g.used())
	g.warm(1, g.used())
	server.Pause()
	newer := g.site.change(g.used())
	for process := range g.fleet {
		g.warm(process, g.used()) // SQLite has nothing, so that all is fetched anew
	}
	g.ledger.purged(0, newer, true) // as if it were
	time.Sleep(late)
	server.Resume()
	g.watchReturn()
}

// Redis loses its journal and all it had, and the origin fails at once: what is in the memory
// tiers goes on being used, since SQLite's journal is whole.
func TestOneJournalCoversTheLossOfAnother(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	flags := []string{"-store", redisURL(server.Addr()), "-store", sqliteURL(t), "-memory-tier", "16MiB"}
	g := newGround(t, 20, lifetime, flags, flags)
	g.warm(0, g.site.all())
	for round := range 3 {
		time.Sleep(1100 * time.Millisecond) // what was fetched before both journals were read is over
		for process := range g.fleet {
			g.warm(process, g.site.all())
		}
		server.Restart()
		g.awaitLoss(round + 1)
		require.NoError(t, g.site.down())
		answers := g.askWhile(200, func() { time.Sleep(1200 * time.Millisecond) })
		require.NoError(t, g.site.up())
		if strings.Contains(g.log.String(), "sql read journal") {
			t.Log("SQLite was out of reach, too: this machine is too slow for this test")
			return
		}
		sum := tallyOf(answers)
		require.Zero(t, sum.failed, "%d stale: %v\n%v", sum.stale, firstFailure(answers), g.log)
	}
}

// awaitLoss waits until all processes have noticed so many losses of a journal.
func (g *ground) awaitLoss(n int) {
	g.t.Helper()
	for process := range g.fleet {
		require.Eventually(g.t, func() bool { return g.log.count(process, "began anew", "was lost") >= n },
			soon, 5*time.Millisecond, "%v", g.log)
	}
}

func pauseServer(s *testserver.Server, _ *wire)  { s.Pause() }
func resumeServer(s *testserver.Server, _ *wire) { s.Resume() }
func killServer(s *testserver.Server, _ *wire)   { s.Kill() }
func startServer(s *testserver.Server, _ *wire)  { s.Start() }
func cutWire(_ *testserver.Server, w *wire)      { w.cut() }
func mendWire(_ *testserver.Server, w *wire)     { w.mend() }

// standIn checks that SQLite does Redis's work, and purges in all ways meanwhile.
func (g *ground) standIn() {
	section := g.site.pagesOf(sectionOf(1))
	g.warm(0, g.used())
	require.True(g.t, g.purge(0, urlOf(0), []int{0}), "it stands in SQLite\n%v", g.log)
	require.True(g.t, g.purge(1, target{Tag: sectionOf(1)}, section))
	for _, page := range g.used() {
		g.get(0, page) // what was purged is fetched again
	}
	require.True(g.t, g.purge(0, target{All: true}, g.site.all()))
	g.get(0, 2) // some pages are fetched again, of others only Redis has a copy
}

// restart kills all processes without warning and starts them again.
func (g *ground) restart() {
	for _, p := range g.fleet {
		p.kill()
		require.NoError(g.t, p.start())
	}
}

// watchReturn asks for all pages until all processes use Redis again, and then once more.
func (g *ground) watchReturn() {
	g.t.Helper()
	began := time.Now()
	for again := 0; again < 3; {
		for process := range g.fleet {
			for _, page := range g.used() {
				g.get(process, page)
			}
		}
		if g.allUse(0) {
			if again++; again == 1 {
				g.t.Logf("the first store was used again after %.2fs", time.Since(began).Seconds())
			}
		}
		require.Less(g.t, time.Since(began), soon, "the first store isn't used again: %v\n%v", g.stats(0).Stores, g.log)
	}
}

// allUse reports whether all processes use the nth store.
func (g *ground) allUse(n int) bool {
	for process := range g.fleet {
		if stores := g.stats(process).Stores; len(stores) <= n || !stores[n].inUse() {
			return false
		}
	}
	return true
}

// redisWorks checks by Redis's own word that it gets entries again.
func (g *ground) redisWorks(server *testserver.Server) {
	before := redisSays(g.t, server.Addr(), "DBSIZE")
	g.get(0, len(g.used())) // the page that nobody has asked for yet
	require.Eventually(g.t, func() bool { return redisSays(g.t, server.Addr(), "DBSIZE") != before },
		soon, 10*time.Millisecond, "nothing is set in Redis\n%v", g.log)
}

// used are all pages but the last.
func (g *ground) used() []int {
	all := g.site.all()
	return all[:len(all)-1]
}
