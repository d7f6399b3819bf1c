// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

var someLimits = limits{keys: 20, soft: 500 * time.Millisecond, hard: 5 * time.Second, staleShare: 0.05}

var start = time.Unix(1_000_000, 0)

// at is so many seconds after the start.
func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// right is an answer as it should be.
func right(begun float64) holdovertest.Answer {
	return holdovertest.Answer{
		Path: warmPages + "1", Begun: at(begun), Took: time.Millisecond, Status: 200,
		Made: at(begun), CacheStatus: "holdover; hit; ttl=1",
	}
}

// goodPhases are a healthy and a failing phase of ten seconds, in which everything is as it
// should be.
func goodPhases() []phase {
	phases := []phase{
		{behaviour: healthy, from: at(0), to: at(10)},
		{behaviour: unavailable, from: at(10), to: at(20)},
	}
	for i := range 100 {
		phases[0].answers = append(phases[0].answers, right(float64(i)/10))
		stale := right(10 + float64(i)/10)
		stale.Made, stale.CacheStatus = at(5), "holdover; hit; ttl=-4"
		phases[1].answers = append(phases[1].answers, stale)
	}
	for i := range 36 {
		phases[1].arrivals = append(phases[1].arrivals,
			holdovertest.Arrival{Path: fmt.Sprint(warmPages, i%20), At: at(10.5 + float64(i)/4)})
	}
	phases[1].cold = []holdovertest.Answer{{Begun: at(11), Took: 5 * time.Second, Status: 504, Err: holdovertest.ErrStatus}}
	return phases
}

func TestGoodPhasesKeepAllPromises(t *testing.T) {
	all := slices.Concat(promises, strictPromises)
	for _, v := range judge(someLimits, goodPhases(), all) {
		require.Equal(t, "kept", v.word(), v.promise)
	}
	require.Len(t, judge(someLimits, goodPhases(), all), len(all))
}

// A promise isn't kept by what wasn't measured, nor missed.
func TestPromisesWithoutDataAreNotJudged(t *testing.T) {
	lasting := func(d float64) func([]phase) {
		return func(phases []phase) {
			for i := range phases {
				phases[i].to = phases[i].from.Add(time.Duration(d * float64(time.Second)))
			}
		}
	}
	deaf := func(phases []phase) { phases[1].behaviour, phases[1].arrivals = refusing, nil }
	for name, c := range map[string]struct {
		promise func(limits, []phase) verdict
		without func([]phase)
	}{
		"spared: phases that are over when it begins to count": {spared, lasting(2.01)},
		"spared: nobody counts":                                {spared, deaf},
		"trickle: the same":                                    {trickles, lasting(2.01)},
		"trickle: nobody counts":                               {trickles, deaf},
		"once a second: nobody counts":                         {apart, deaf},
		"healed: not due yet":                                  {healed, lasting(0.3)},
		"in time: no answers":                                  {inTime, func(p []phase) { p[0].answers, p[1].answers = nil, nil }},
		"told: nothing was stale":                              {told, func(p []phase) { p[1].answers = nil }},
		"honest: no cold pages":                                {coldHonest, func(p []phase) { p[1].cold = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			phases := goodPhases()
			c.without(phases)
			v := c.promise(someLimits, phases)
			require.Equal(t, "not judged", v.word())
			require.False(t, result{verdicts: []verdict{v}}.missed())
			require.True(t, result{verdicts: []verdict{v}}.unjudged())
		})
	}
	phases := goodPhases()
	lasting(3)(phases)
	require.Equal(t, "kept", spared(someLimits, phases).word(), "long enough")
}

func TestPromisesCanBeMissed(t *testing.T) {
	for name, c := range map[string]struct {
		promise func(limits, []phase) verdict
		spoil   func(well, failing *phase)
		why     string
	}{
		"one failure":   {answered, func(well, _ *phase) { well.answers[50].Err = errors.New("cut") }, "healthy: 1 of 100 failed"},
		"nothing asked": {answered, func(well, failing *phase) { well.answers, failing.answers = nil, nil }, "nothing was asked"},
		"slow answers": {inTime, func(_, failing *phase) {
			for i := range 3 {
				failing.answers[i].Took = 521 * time.Millisecond
			}
		}, "503: p99 is 521ms"},
		"old pages": {freshWhileHealthy, func(well, _ *phase) {
			for i := range 5 {
				well.answers[i].Made = well.answers[i].Begun.Add(-1300 * time.Millisecond)
			}
		}, "5 of 100 stale"},
		"stale pages": {freshWhileHealthy, func(well, _ *phase) {
			for i := range 5 {
				well.answers[i].CacheStatus = "holdover; hit; ttl=-1"
			}
		}, "5 of 100 stale"},
		"no health": {freshWhileHealthy, func(well, _ *phase) { well.answers = nil }, "0 of 0"},
		"an origin that isn't spared": {spared, func(_, failing *phase) {
			failing.arrivals = append(failing.arrivals, arrivals(12, 4)...)
		}, "503: 34 requests in 8s"},
		"an empty page": {coldHonest, func(_, failing *phase) {
			failing.cold[0] = holdovertest.Answer{Status: 200, Err: fmt.Errorf("%w: empty", holdovertest.ErrWrongPage)}
		}, "503: not the page"},
		"another status": {coldHonest, func(_, failing *phase) {
			failing.cold[0] = holdovertest.Answer{Status: 404, Err: holdovertest.ErrStatus}
		}, "status 404"},
		"late": {coldHonest, func(_, failing *phase) { failing.cold[0].Took = 5300 * time.Millisecond }, "answered after 5.3s"},
		"never": {coldHonest, func(_, failing *phase) {
			failing.cold[0] = holdovertest.Answer{Took: 6 * time.Second, Err: context.DeadlineExceeded}
		}, "no answer within 6s"},
		"half, and then nothing": {coldHonest, func(_, failing *phase) {
			failing.cold[0] = holdovertest.Answer{Took: 6 * time.Second, Status: 200, Err: context.DeadlineExceeded}
		}, "no answer within 6s"},
		"stale without a word": {told, func(_, failing *phase) { failing.answers[0].CacheStatus = "" }, "says \"\""},
		"the same page again": {apart, func(_, failing *phase) {
			failing.arrivals = append(failing.arrivals, arrivals(19.3, 1)...)
			failing.arrivals[len(failing.arrivals)-1].Path = failing.arrivals[34].Path
		}, "again after"},
		"a burst": {trickles, func(_, failing *phase) { failing.arrivals = append(failing.arrivals, arrivals(19.3, 2)...) }, "too many"},
		"stale for long": {healed, func(well, _ *phase) {
			for i := 20; i < 40; i++ {
				well.answers[i].CacheStatus = "holdover; hit; ttl=-1"
			}
		}, "20 of 9"},
	} {
		t.Run(name, func(t *testing.T) {
			phases := goodPhases()
			c.spoil(&phases[0], &phases[1])
			v := c.promise(someLimits, phases)
			require.NotEmpty(t, v.missed)
			require.Contains(t, v.missed[0], c.why)
			require.True(t, result{verdicts: []verdict{{}, v}}.missed())
		})
	}
}

func arrivals(from float64, n int) (found holdovertest.Arrivals) {
	for i := range n {
		found = append(found, holdovertest.Arrival{Path: fmt.Sprint(warmPages, 100+i), At: at(from + float64(i)/100)})
	}
	return found
}

func TestHonest(t *testing.T) {
	for name, c := range map[string]struct {
		behaviour
		answer holdovertest.Answer
	}{
		"an error":            {unavailable, holdovertest.Answer{Status: 503, Err: holdovertest.ErrStatus}},
		"a cut connection":    {truncating, holdovertest.Answer{Status: 200, Err: errors.New("unexpected EOF")}},
		"no connection":       {refusing, holdovertest.Answer{Err: errors.New("reset")}},
		"the page after all":  {hanging, holdovertest.Answer{Status: 200, Took: 3 * time.Second}},
		"bytes still come":    {dripping, holdovertest.Answer{Status: 200, Took: 6 * time.Second, Err: context.DeadlineExceeded}},
		"bytes came for long": {dripping, holdovertest.Answer{Status: 200, Took: 6 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) { require.NoError(t, honest(someLimits, c.behaviour, c.answer)) })
	}
	require.Error(t, honest(someLimits, dripping, holdovertest.Answer{Took: 6 * time.Second, Err: context.DeadlineExceeded}), "no header")
}

// A client repeats a request on which the origin hung up: that isn't the cache's doing.
func TestRepeatedRequestsAreOne(t *testing.T) {
	p := phase{behaviour: resetting, from: at(0), to: at(10), arrivals: holdovertest.Arrivals{
		{Path: "/a", At: at(1)}, {Path: "/a", At: at(1.01)}, {Path: "/a", At: at(1.012)}, {Path: "/b", At: at(1.5)}, {Path: "/a", At: at(3)},
	}}
	require.InDelta(t, 2, p.sameKey().Seconds(), 0.001)
	require.Len(t, p.asked(), 3)
	p.behaviour = unavailable
	require.Len(t, p.asked(), 5)
	require.InDelta(t, 0.002, p.sameKey().Seconds(), 0.001)

	p.behaviour, p.arrivals = resetting, nil
	for i := range 10 {
		p.arrivals = append(p.arrivals, holdovertest.Arrival{Path: "/a", At: at(1 + float64(i)*0.06)})
	}
	require.Len(t, p.asked(), 5, "who asks all the time doesn't repeat")
}

// Who gets the answer when the origin has changed is counted in neither figure.
func TestTooOldIsAPartOfStale(t *testing.T) {
	phases := goodPhases()
	for i := range phases[0].answers {
		phases[0].answers[i].Made = at(-5)
	}
	phases[0].answers[99].Took = time.Second
	stale, all := staleWhileHealthy(phases)
	require.Equal(t, []int{99, 99, 99}, []int{tooOld(phases), stale, all})
}

func TestFaultFigures(t *testing.T) {
	figures := faultFigures(someLimits, goodPhases())
	values := map[string]string{}
	for _, f := range figures {
		values[f.what] = f.value
	}
	require.Len(t, values, len(figures), "each has a name of its own")
	require.Equal(t, "100.0 %, p99 1.0 ms, asked 36", values["origin: 503"])
	require.Equal(t, "0.0 %", values["stale while healthy"])
	require.Equal(t, "1 of 1, slowest 5.00 s", values["cold pages answered honestly"])
	require.Equal(t, "100.00 %", values["answered in all"])
	require.Equal(t, "3.8", values["asked a second while it fails, after 2 s"])
	require.Equal(t, "not measured", failingRate(goodPhases()[:1]))
}
