// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

// pair is two processes with memory tiers on one Redis, each by a wire of its own.
func pair(t *testing.T, pages int) (g *ground, server *testserver.Server, wires []*wire) {
	server = testserver.Redis(t)
	var flags [][]string
	for range 2 {
		w := newWire(t, server.Addr())
		wires = append(wires, w)
		flags = append(flags, []string{"-store", redisURL(w.addr()), "-memory-tier", "16MiB"})
	}
	return newGround(t, pages, long, flags...), server, wires
}

// A thousand purges while the connections to Redis break twenty times: each process knows
// all of them soon after, whoever made them, and the journal was never taken for lost, which would
// have thrown everything away.
func TestNoPurgeIsLostOverReconnects(t *testing.T) {
	t.Parallel()
	const rounds, each = 20, 25 // of each process
	g, _, wires := pair(t, 2*each)
	for round := range rounds {
		g.warm(0, g.site.all())
		g.warm(1, g.site.all())
		losses := [...]int{g.stats(0).JournalLosses, g.stats(1).JournalLosses}
		g.purgeWhileCut(wires)
		for process := range g.fleet {
			require.Eventually(t, func() bool { return g.knowsAll(process) }, soon, 10*time.Millisecond,
				"round %d: purges are lost\n%v", round, g.log)
			require.Equal(t, losses[process], g.stats(process).JournalLosses, "round %d: the journal isn't lost\n%v", round, g.log)
		}
	}
}

// purgeWhileCut purges half of the pages in each process, while both are cut off and mended.
func (g *ground) purgeWhileCut(wires []*wire) {
	var purging sync.WaitGroup
	for page := range g.site.versions {
		if page%10 == 0 { // some before, some while it is cut, some after
			time.Sleep(20 * time.Millisecond)
		}
		if page == len(g.site.versions)/5 {
			wires[0].cut()
			wires[1].cut()
		}
		purging.Go(func() {
			g.site.change([]int{page})
			_, err := g.fleet[page%2].purge(urlOf(page))
			if err != nil {
				g.t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	wires[0].mend()
	wires[1].mend()
	purging.Wait()
}

// knowsAll reports whether a process answers with the newest version of each page.
func (g *ground) knowsAll(process int) bool {
	for page := range g.site.versions {
		if a := g.clients.ask(process, page); a.err != nil || a.version != g.site.version(page) {
			return false
		}
	}
	return true
}

// A journal that loses marks is noticed every time by those who couldn't read them.
func TestALostJournalIsNoticed(t *testing.T) {
	t.Parallel()
	g, server, wires := pair(t, 4)
	losses := []struct {
		name string
		lose func()
	}{
		{"deleted", func() { deleteJournal(t, server.Addr()) }},
		{"flushed", func() { redisSays(t, server.Addr(), "FLUSHALL") }},
		{"evicted", func() { evictAll(t, server.Addr()) }},
		{"restarted", server.Restart},
	}
	for round := range 20 {
		loss := losses[round%len(losses)]
		g.warm(0, g.site.all())
		g.warm(1, g.site.all())
		before := g.stats(1).JournalLosses
		wires[1].cut()
		require.True(t, g.purge(0, urlOf(1), []int{1}), "%v", g.log) // only Redis and process 0 know
		loss.lose()
		wires[1].mend()
		require.Eventually(t, func() bool { return g.knowsAll(1) }, soon, 5*time.Millisecond,
			"round %d, %s: it isn't noticed\n%v", round, loss.name, g.log)
		// It may have known by asking the origin, while Redis was out of reach, before it noticed.
		require.Eventually(t, func() bool { return g.stats(1).JournalLosses > before }, soon, 5*time.Millisecond,
			"round %d, %s: it isn't counted\n%v", round, loss.name, g.log)
		require.Equal(t, before+1, g.stats(1).JournalLosses, "round %d, %s\n%v", round, loss.name, g.log)
	}
}

// evictAll lets Redis throw away all keys for want of memory.
func evictAll(t *testing.T, addr string) {
	redisSays(t, addr, "CONFIG SET maxmemory-policy allkeys-random")
	redisSays(t, addr, "CONFIG SET maxmemory 1")
	require.Eventually(t, func() bool { return redisSays(t, addr, "DBSIZE") == ":0" }, soon, time.Millisecond)
	redisSays(t, addr, "CONFIG SET maxmemory 0")
}

// While the journal is out of reach for a moment, and the origin is well, nobody gets anything
// stale, and the origin isn't asked for what is stored.
func TestJournalOutOfReach(t *testing.T) {
	for name, tc := range map[string]struct {
		away, back func(*testserver.Server, *wire)
	}{
		"cut off": {cutWire, mendWire},
		"hangs":   {pauseServer, resumeServer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, server, wires := pair(t, pages)
			for process := range g.fleet {
				g.warm(process, g.site.all())
			}
			asked := g.site.askedAll()
			answers := g.askWhile(200, func() {
				for _, w := range wires {
					tc.away(server, w)
				}
				time.Sleep(3 * time.Second)
				for _, w := range wires {
					tc.back(server, w)
				}
				time.Sleep(2 * time.Second)
			})
			sum := tallyOf(answers)
			require.Zero(t, sum.failed, firstFailure(answers))
			require.Equal(t, sum.requests, sum.fresh, "%d stale, %d fetched\n%v", sum.stale, sum.fetched, g.log)
			require.Equal(t, asked, g.site.askedAll())
			t.Logf("%d requests, p99 %s, max %s", sum.requests, milliseconds(sum.quantile(0.99)), milliseconds(sum.quantile(1)))
		})
	}
}

// askWhile lets clients ask all the time while something happens, and returns what they got.
func (g *ground) askWhile(perSecond int, do func()) []answer {
	before := len(g.clients.since(0))
	ctx, stop := context.WithCancel(g.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.clients.run(ctx, perSecond)
	}()
	do()
	stop()
	<-ended
	return g.clients.since(before)
}

// deleteJournal finds the journal among all keys: it is the hash and the stream.
func deleteJournal(t *testing.T, addr string) {
	deleted := redisSays(t, addr, `EVAL "local n = 0 `+
		`for _, k in ipairs(redis.call('KEYS', '*')) do local is = redis.call('TYPE', k).ok `+
		`if is == 'hash' or is == 'stream' then n = n + redis.call('DEL', k) end end return n" 0`)
	n, err := strconv.Atoi(deleted[1:])
	require.NoError(t, err, deleted)
	require.Positive(t, n)
}
