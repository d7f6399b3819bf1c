// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

// Each phase has its time, requests under way go on as they began, and then the origin works.
func TestOriginPlays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(text("page"))
		rt := holdovertest.InProcess(o)
		start := time.Now()
		played := make(chan error)
		go func() {
			played <- o.Play(t.Context(),
				holdovertest.Phase{Name: "healthy", For: 10 * time.Second},
				holdovertest.Phase{Name: "slow", Fault: holdovertest.Delay(15 * time.Second), For: 10 * time.Second},
				holdovertest.Phase{Name: "down", Fault: holdovertest.Status(503), For: 10 * time.Second},
			)
		}()
		var statuses []int
		var mu sync.Mutex
		var waiting sync.WaitGroup
		time.Sleep(5 * time.Second)
		for range 4 {
			waiting.Go(func() {
				g := send(rt, get("http://a.example/page?q"))
				mu.Lock()
				defer mu.Unlock()
				statuses = append(statuses, g.Status)
			})
			time.Sleep(10 * time.Second)
		}
		waiting.Wait()
		require.NoError(t, <-played)
		require.Equal(t, []int{200, 503, 200, 200}, statuses)

		all := o.Requests()
		require.Len(t, all, 4)
		for i, phase := range []string{"healthy", "slow", "down", ""} {
			require.Equal(t, phase, all[i].Phase)
			require.Equal(t, start.Add(time.Duration(5+10*i)*time.Second), all[i].At)
			require.Equal(t, "a.example/page?q", all[i].URL())
			require.True(t, all[i].Ended)
		}
		require.Equal(t, 15*time.Second, all[1].Took)
		require.Len(t, all.During("slow"), 1)
		require.Len(t, all.Between(all[1].At, all[3].At), 2)
		require.Equal(t, 2, all.MostAtOnce(), "the slow one ran into the next phase")
	})
}

func TestOriginStopsPlaying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(text("page"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, o.Play(ctx, holdovertest.Phase{Fault: holdovertest.Status(500), For: time.Hour}), context.DeadlineExceeded)
		require.Equal(t, 200, send(holdovertest.InProcess(o), get("http://a.example/")).Status)
		require.ErrorContains(t, o.Play(t.Context(), holdovertest.Phase{For: time.Second}, holdovertest.Phase{}), "phases[1].For")
	})
}

// Requests that are there at the same time are counted by URL too.
func TestOriginCountsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(works)
		o.Behave(holdovertest.Delay(time.Second))
		rt := holdovertest.InProcess(o)
		for _, path := range []string{"/a", "/a", "/b", "/a?q", "/a"} {
			go send(rt, get("http://a.example"+path))
		}
		synctest.Wait()
		require.Equal(t, 5, o.Running())
		require.False(t, o.Requests()[0].Ended)
		time.Sleep(2 * time.Second)
		require.Zero(t, o.Running())
		send(rt, get("http://a.example/c"))

		all := o.Requests()
		require.Len(t, all, 6)
		require.Equal(t, 5, all.MostAtOnce())
		require.Equal(t, 3, all.MostAtOnceOfURL())
		require.Equal(t, 1, all.Of("/b").MostAtOnceOfURL())
		require.Equal(t, 1, all.Of("/c").MostAtOnce())
		require.Len(t, all.Of("/a"), 4, "whatever the query")
		require.Len(t, all.ByURL()["a.example/a"], 3)
		require.Equal(t, 5, all.MostWithin(time.Second))
		require.Zero(t, holdovertest.Arrivals{}.MostWithin(time.Second))
	})
}

func TestOriginNotesConditions(t *testing.T) {
	o := holdovertest.NewOrigin(works)
	for _, field := range []string{"If-None-Match", "If-Modified-Since", "If-Match"} {
		r := get("http://a.example/")
		r.Header.Set(field, `"tag"`)
		send(holdovertest.InProcess(o), r)
	}
	send(holdovertest.InProcess(o), request(t.Context(), "POST", "http://a.example/", "body"))
	var conditional []bool
	for _, a := range o.Requests() {
		conditional = append(conditional, a.Conditional)
	}
	require.Equal(t, []bool{true, true, false, false}, conditional)
	require.Equal(t, "POST", o.Requests()[3].Method)
}

// Handlers that panic have ended too.
func TestOriginNotesPanics(t *testing.T) {
	o := holdovertest.NewOrigin(works)
	o.Behave(holdovertest.Panic(io.EOF))
	require.True(t, send(holdovertest.InProcess(o), get("http://a.example/")).Failed)
	require.Zero(t, o.Running())
	require.True(t, o.Requests()[0].Ended)
}

// at makes arrivals of instants in seconds.
func at(seconds ...float64) (list holdovertest.Arrivals) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, s := range seconds {
		list = append(list, holdovertest.Arrival{At: start.Add(time.Duration(s * float64(time.Second)))})
	}
	return list
}

func TestExcess(t *testing.T) {
	for name, c := range map[string]struct {
		arrivals  holdovertest.Arrivals
		perSecond float64
		burst     int
		want      float64
	}{
		"none":                     {nil, 1, 1, 0},
		"one":                      {at(0), 1, 1, 0},
		"one without a burst":      {at(0), 1, 0, 1},
		"at the rate":              {at(0, 1, 2, 3), 1, 1, 0},
		"slower":                   {at(0, 2, 4), 1, 1, 0},
		"two at once":              {at(0, 0), 1, 1, 1},
		"within the burst":         {at(0, 0, 1, 2), 1, 2, 0},
		"above the burst":          {at(0, 0, 0, 1, 2), 1, 2, 1},
		"late":                     {at(0, 10, 10.5, 11), 1, 1, 1},
		"a pause pays for nothing": {at(0, 100, 100, 100), 1, 1, 2},
		"twice":                    {at(0, 0, 0, 100, 100), 1, 1, 2},
		"in no order":              {at(1, 0, 1), 1, 1, 1},
		"often":                    {at(0, 0.1, 0.2, 0.3), 10, 1, 0},
		"never":                    {at(0, 1000), 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			require.InDelta(t, c.want, c.arrivals.Excess(c.perSecond, c.burst), 1e-9)
		})
	}
}

// What is found in one pass is what all windows say.
func TestExcessOfAllWindows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var seconds []float64
		now := 0.0
		for range random.IntN(60) {
			now += math.Floor(random.ExpFloat64()*100) / 100
			seconds = append(seconds, now)
		}
		all, rate, burst := at(seconds...), random.Float64()*3, random.IntN(4)
		worst, most := 0.0, 0
		for i := range all {
			for k := i; k < len(all); k++ {
				apart := all[k].At.Sub(all[i].At)
				worst = max(worst, float64(k-i+1)-float64(burst)-rate*apart.Seconds())
				if apart < time.Second {
					most = max(most, k-i+1)
				}
			}
		}
		require.InDelta(t, worst, all.Excess(rate, burst), 1e-6)
		require.Equal(t, most, all.MostWithin(time.Second))
	}
}

// Many arrivals are no matter.
func TestExcessIsQuick(t *testing.T) {
	all := make(holdovertest.Arrivals, 100_000)
	start := time.Now()
	for i := range all {
		all[i].At = start.Add(time.Duration(i) * time.Millisecond)
	}
	require.InDelta(t, 0, all.Excess(1000, 1), 1e-3)
	require.Equal(t, 1000, all.MostWithin(time.Second))
}

// Everything may be called while requests come.
func TestOriginConcurrently(t *testing.T) {
	o := holdovertest.NewOrigin(text(strings.Repeat("page", 100)))
	rt := holdovertest.InProcess(o)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				send(rt, get("http://a.example/"))
			}
		})
	}
	all.Go(func() {
		for i := range 100 {
			o.Behave([]holdovertest.Fault{nil, holdovertest.Reset(), holdovertest.Truncate(0.5), holdovertest.Status(503)}[i%4])
			_ = o.Requests()
		}
	})
	all.Wait()
	require.Len(t, o.Requests(), 400)
	require.Eventually(t, func() bool { return o.Running() == 0 }, 5*time.Second, time.Millisecond)
}
