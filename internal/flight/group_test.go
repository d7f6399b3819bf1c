// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

var k = flight.Key{Primary: "k"}

// sleeper is a handler that ignores its context.
func sleeper(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(d)
		_, _ = write(w, 10)
	}
}

func never(t *testing.T) flight.Open {
	return func(bool) (flight.Start, flight.How) {
		t.Error("no flight may begin here")
		panic("unwanted flight")
	}
}

func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		since := g.group.Landed([]byte("k"))
		f, r := g.start(flight.Config{}, sleeper(time.Second))
		require.Same(t, f, g.group.Lookup(k))

		f2, r2, how := g.group.Join(t.Context(), k, since, yes, never(t))
		require.Equal(t, flight.Joined, how)
		require.Same(t, f, f2)

		// Who may not join it begins another, which newcomers join.
		f3, r3, how := g.group.Join(t.Context(), k, since, no, g.open(flight.Config{}, sleeper(3*time.Second)))
		require.Equal(t, flight.Started, how)
		require.NotSame(t, f, f3)
		f4, r4, how := g.group.Join(t.Context(), k, since, func(f *flight.Flight, _ flight.State, _ bool) bool { return f == f3 }, never(t))
		require.Equal(t, flight.Joined, how)
		require.Same(t, f3, f4)
		require.Same(t, f3, g.group.Lookup(k))

		// Two are enough for a key.
		f5, none, how := g.group.Join(t.Context(), k, since, no, never(t))
		require.Equal(t, flight.Busy, how)
		require.Nil(t, none)
		require.Same(t, f, f5, "the older one is waited for")

		// Another variant is another flight.
		_, r6, how := g.group.Join(t.Context(), flight.Key{Primary: "k", Variant: "v"}, since, yes, g.open(flight.Config{}, sleeper(time.Second)))
		require.Equal(t, flight.Started, how)
		require.Equal(t, 3, g.group.Running())

		<-f5.Returned()
		_, none, how = g.group.Join(t.Context(), k, since, no, never(t))
		require.Equal(t, flight.Changed, how, "look up again")
		require.Nil(t, none)
		for _, r := range []*flight.Reader{r, r2, r3, r4, r6} {
			state, _ := r.Wait(nil, untilEnd)
			require.Equal(t, flight.Complete, state.Phase)
			r.Leave()
		}
		<-f3.Returned()
		synctest.Wait()
		require.Nil(t, g.group.Lookup(k))
		g.whole()
	})
}

// Once a flight's Returned is closed its key is free: nobody is told to wait for it again.
func TestKeyIsFreeOnceReturned(t *testing.T) {
	for range 100 {
		g := newRig(t)
		f, r := g.start(flight.Config{}, func(http.ResponseWriter, *http.Request) { panic("x") })
		<-f.Returned()
		require.Nil(t, g.group.Lookup(k))
		_, r2, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, g.open(flight.Config{}, sleeper(0)))
		require.Equal(t, flight.Started, how)
		r.Leave()
		r2.Leave()
	}
}

// Who joins at the last moment gets all of the body, or learns that its owner has it. Who
// comes after it is complete waits until it has landed, and then Landed has changed.
func TestJoinAtTheEnd(t *testing.T) {
	for name, owned := range map[string]bool{"buffered": false, "the owner has it": true} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			cfg := flight.Config{Commit: func(flight.Result) bool { return owned }}
			var fetches atomic.Int32
			together(4, func() {
				for range 200 {
					since := g.group.Landed([]byte("k"))
					f, r, how := g.group.Join(t.Context(), k, since, yes, g.open(cfg, func(w http.ResponseWriter, _ *http.Request) {
						fetches.Add(1)
						_, _ = write(w, 5000)
					}))
					switch how {
					case flight.Busy: // complete, about to land
						<-f.Returned()
						continue
					case flight.Changed:
						continue
					}
					body, state, _ := readAll(r, 0)
					whole := len(body) == 5000 || owned && int(r.Offset()) == len(body)
					if state.Phase != flight.Complete || !whole {
						t.Errorf("%v after %d bytes", state.Phase, len(body))
					}
					r.Leave()
				}
			})
			require.Zero(t, g.group.Close(time.Second))
			require.EqualValues(t, fetches.Load(), g.ends.Load())
			g.whole()
		})
	}
}

func TestFailedFlightBlocksItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, r := g.start(flight.Config{Header: time.Second}, sleeper(time.Minute))
		r.Wait(nil, untilEnd)
		r.Leave()
		f2, none, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, never(t))
		require.Equal(t, flight.Busy, how)
		require.Nil(t, none)
		require.Same(t, f, f2)
		require.Equal(t, flight.Busy, background(g, never(t)))
		<-f.Returned()
		_, r, how = g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, g.open(flight.Config{}, sleeper(0)))
		require.Equal(t, flight.Started, how)
		r.Leave()
	})
}

// A key is not free before it is noted how its flight failed, however soon the handler returns:
// who asked next would not know that the origin wants to be spared.
func TestKeyIsFreeAfterEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		noting := make(chan struct{})
		f, r := g.start(flight.Config{Header: time.Second, Ended: func(flight.State, *flight.Failure) func() { <-noting; return nil }}, untilCancelled)
		time.Sleep(2 * time.Second)
		select {
		case <-f.Returned():
			require.Fail(t, "the key is free")
		default:
		}
		_, _, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, never(t))
		require.Equal(t, flight.Busy, how)
		close(noting)
		<-f.Returned()
		r.Leave()
		synctest.Wait()
		g.whole()
	})
}

// Who is told of a failure may ask for the same key at once.
func TestKeyIsFreeForWhoIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		flights, told := make(chan *flight.Flight, 1), make(chan struct{})
		f, r := g.start(flight.Config{Header: time.Second, Ended: func(flight.State, *flight.Failure) func() {
			return func() { <-(<-flights).Returned(); close(told) }
		}}, untilCancelled)
		flights <- f
		<-told
		r.Leave()
		synctest.Wait()
		g.whole()
	})
}

func TestLanded(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"complete": sleeper(0),
		"failed":   func(http.ResponseWriter, *http.Request) { panic("x") },
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			before := g.group.Landed([]byte("k"))
			f, r := g.start(flight.Config{}, h)
			<-f.Returned()
			r.Leave()
			require.NotEqual(t, before, g.group.Landed([]byte("k")))
		})
	}
	g := newRig(t)
	before := g.group.Landed([]byte("k"))
	f, r, how := g.group.Solo(t.Context(), g.open(flight.Config{}, sleeper(0)))
	require.Equal(t, flight.Started, how)
	<-f.Returned()
	r.Leave()
	require.Equal(t, before, g.group.Landed([]byte("k")), "a flight without a key tells nobody")
}

// Where two flights are under way, a newcomer may follow the newer one, or none: he is told.
func TestNoThirdFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		_, r1 := g.start(flight.Config{}, untilCancelled)
		follows := func(_ *flight.Flight, _ flight.State, free bool) bool { return !free }
		f2, r2, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), follows, g.open(flight.Config{}, untilCancelled))
		require.Equal(t, flight.Started, how)
		f, r3, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), follows, never(t))
		require.Equal(t, flight.Joined, how)
		require.Same(t, f2, f)
		for _, r := range []*flight.Reader{r1, r2, r3} {
			r.Leave()
		}
		require.Zero(t, g.group.Close(time.Second))
		synctest.Wait()
		g.whole()
	})
}

// background begins a flight that must not begin, and says why it doesn't.
func background(g *rig, open flight.Open) flight.How {
	f, how := g.group.Background(k, yes, open)
	require.Nil(g.t, f)
	return how
}

// What open refuses leaves nothing behind.
func TestDenied(t *testing.T) {
	g := newRig(t)
	denies := func(bool) (flight.Start, flight.How) { return flight.Start{}, flight.Denied }
	_, none, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, denies)
	require.Equal(t, flight.Denied, how)
	require.Nil(t, none)
	_, none, how = g.group.Solo(t.Context(), denies)
	require.Equal(t, flight.Denied, how)
	require.Nil(t, none)
	require.Equal(t, flight.Denied, background(g, denies))
	g.whole()

	f, r, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, g.open(flight.Config{}, sleeper(0)))
	require.Equal(t, flight.Started, how, "the key is free")
	r.Leave()
	<-f.Returned()
}

func TestBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, how := g.group.Background(k, yes, g.open(flight.Config{}, sleeper(time.Second)))
		require.Equal(t, flight.Started, how)
		require.NotNil(t, f)
		require.Equal(t, flight.Joined, background(g, never(t)))
		_, r, how := g.group.Join(t.Context(), k, 0, yes, never(t))
		require.Equal(t, flight.Joined, how)
		body, state, _ := readAll(r, 0)
		require.Equal(t, flight.Complete, state.Phase)
		require.Len(t, body, 10)
		r.Leave()
		<-f.Returned()
		synctest.Wait()
		g.whole()
	})
}

func TestTooManyAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t) // allows 4
		for i := range 4 {
			_, r, how := g.group.Join(t.Context(), flight.Key{Primary: fmt.Sprint(i)}, 0, yes,
				g.open(flight.Config{Header: time.Second}, sleeper(time.Minute)))
			require.Equal(t, flight.Started, how)
			r.Leave()
		}
		require.Zero(t, g.group.Abandoned())
		time.Sleep(2 * time.Second)
		require.Equal(t, 4, g.group.Abandoned())
		require.Equal(t, 4, g.group.Running())

		refuses := func(crowded bool) (flight.Start, flight.How) {
			require.True(t, crowded)
			return flight.Start{}, flight.Refused
		}
		_, r, how := g.group.Join(t.Context(), k, 0, yes, refuses)
		require.Equal(t, flight.Refused, how)
		require.Nil(t, r)
		_, r, how = g.group.Solo(t.Context(), refuses)
		require.Equal(t, flight.Refused, how)
		require.Nil(t, r)
		require.Equal(t, flight.Refused, background(g, refuses))

		time.Sleep(time.Minute)
		g.whole()
		f, r := g.start(flight.Config{}, sleeper(0))
		r.Leave()
		<-f.Returned()
	})
}

// Handlers that end by themselves are never counted as abandoned, however they end.
func TestFailuresAreNotAbandoned(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"panic": func(http.ResponseWriter, *http.Request) { panic("x") },
		"truncated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			seen := -1
			cfg := flight.Config{Ended: func(flight.State, *flight.Failure) func() { seen = g.group.Abandoned(); return nil }}
			f, r := g.start(cfg, h)
			<-f.Returned()
			r.Leave()
			require.Zero(t, seen)
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		obeys := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		f, r := g.start(flight.Config{}, obeys)
		_, solo, _ := g.group.Solo(t.Context(), g.open(flight.Config{}, obeys))
		stubborn, r2, _ := g.group.Join(t.Context(), flight.Key{Primary: "s"}, 0, yes, g.open(flight.Config{}, sleeper(time.Minute)))
		began := time.Now()
		require.Equal(t, 1, g.group.Close(time.Second))
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, flight.Cancelled, f.State().Failure.Cause)
		require.Equal(t, flight.Cancelled, stubborn.State().Failure.Cause)
		require.Equal(t, 1, g.group.Abandoned())

		_, none, how := g.group.Join(t.Context(), k, g.group.Landed([]byte("k")), yes, never(t))
		require.Equal(t, flight.Refused, how)
		require.Nil(t, none)

		var wg sync.WaitGroup
		for range 3 { // twice is fine, at once too
			wg.Go(func() {
				if n := g.group.Close(time.Hour); n != 0 {
					t.Errorf("%d are left", n)
				}
			})
		}
		wg.Wait()
		require.Equal(t, time.Minute, time.Since(began), "Close waits no longer than it must")
		for _, r := range []*flight.Reader{r, solo, r2} {
			r.Leave()
		}
		g.whole()
	})
}

func TestCloseOfNothing(t *testing.T) {
	g := flight.NewGroup(1)
	require.Zero(t, g.Close(time.Hour))
	require.Zero(t, g.Close(time.Hour))
}

// Goroutines and timers end with their flights: a bubble with anything left would not end.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		for i := range 30 {
			client, gone := context.WithCancel(t.Context())
			cfg := flight.Config{Header: time.Hour, Idle: time.Hour, Attempt: time.Hour}
			if i%2 == 0 {
				cfg.Judge = unkept
			}
			_, r, _ := g.group.Solo(client, g.open(cfg, func(w http.ResponseWriter, req *http.Request) {
				_, _ = write(w, 1000)
				if i%3 == 0 {
					<-req.Context().Done()
				}
			}))
			r.Wait(nil, untilHeader)
			r.Leave()
			gone()
			synctest.Wait() // handlers that haven't returned yet would count as abandoned
		}
		require.Zero(t, g.group.Close(time.Second))
		g.whole()
	})
}

// together runs f n times at once and waits for all.
func together(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}
