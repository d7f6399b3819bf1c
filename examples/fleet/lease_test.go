// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// eachLease runs a test with every store that leases.
func eachLease(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteURL(t))
	})
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s.url(s.start(t).Addr()))
		})
	}
}

// four starts as many processes with a lease. A slow store is no reason to fetch twice here.
func four(t *testing.T, store string) *ground {
	flags := []string{"-store", store, "-fleet-lease", "-store-timeout", "2s"}
	return newGround(t, 20, long, flags, flags, flags, flags)
}

// burst sends 50 requests for a page to each process at once.
func (g *ground) burst(page int) []answer {
	answers := make([]answer, 50*len(g.fleet))
	var asking sync.WaitGroup
	for i := range answers {
		asking.Go(func() { answers[i] = g.clients.ask(i%len(g.fleet), page) })
	}
	asking.Wait()
	return answers
}

// 200 requests for a page that nobody has, of four processes: the origin is asked once.
func TestOneFetchInTheFleet(t *testing.T) {
	eachLease(t, func(t *testing.T, url string) {
		g := four(t, url)
		g.site.onFetch(func(int, int) { time.Sleep(300 * time.Millisecond) })
		for page := range 3 {
			before := g.site.askedAll()
			sum := tallyOf(g.checked(g.burst(page)))
			require.EqualValues(t, 1, g.site.askedAll()-before, "page %d\n%v", page, g.log)
			t.Logf("%d requests for one page: p50 %s, max %s", sum.requests,
				milliseconds(sum.quantile(0.5)), milliseconds(sum.quantile(1)))
		}
	})
}

// The process that fetches dies in the midst of it: another one fetches when its lease has
// ended, within three seconds, and all are answered.
func TestTheFetchingProcessDies(t *testing.T) {
	eachLease(t, func(t *testing.T, url string) { four(t, url).killTheFetching() })
}

func (g *ground) killTheFetching() {
	holder := make(chan int, 1)
	var others atomic.Bool
	g.site.onFetch(func(process, _ int) {
		if !others.Swap(true) {
			holder <- process
			time.Sleep(2 * time.Second)
		}
	})
	before := g.site.askedAll()
	killed := make(chan *process, 1)
	go func() {
		p := g.fleet[<-holder]
		time.Sleep(300 * time.Millisecond) // all others wait for it
		p.kill()
		killed <- p
	}()
	sum := tallyOf(g.checked(g.burst(0)))
	g.t.Logf("%d requests, %d had to move on: max %s, the origin was asked %d times", sum.requests, sum.moved,
		milliseconds(sum.quantile(1)), g.site.askedAll()-before)
	require.LessOrEqual(g.t, g.site.askedAll()-before, int64(2), "%v", g.log)
	require.NoError(g.t, (<-killed).start())
}

// checked returns answers of which none failed.
func (g *ground) checked(answers []answer) []answer {
	for _, a := range answers {
		require.NoError(g.t, a.err, "%s\n%v", a.status, g.log)
	}
	return answers
}
