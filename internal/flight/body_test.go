// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

const kib = 1 << 10

// pieces writes a body of n bytes in writes of size, and notes how far it came.
func pieces(n, size int, done *int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		body := pattern(n)
		for len(body) > 0 {
			k, err := w.Write(body[:min(size, len(body))])
			*done += k
			if err != nil {
				return
			}
			body = body[k:]
		}
	}
}

// While the body is kept, nobody waits for anybody: each gets all of it at its own pace.
func TestKeptAtAnyPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		done := 0
		f, starter := g.start(flight.Config{}, pieces(500*kib, 1000, &done))
		followers := []*flight.Reader{f.Attach(t.Context(), false), f.Attach(t.Context(), false)}
		<-f.Returned()
		require.Equal(t, 500*kib, done, "the handler doesn't wait for readers")
		followers = append(followers, f.Attach(t.Context(), false)) // who holds the flight may still join
		began := time.Now()
		for i, r := range followers {
			body, state, _ := readAll(r, 0)
			require.Equal(t, flight.Complete, state.Phase, i)
			require.Equal(t, pattern(500*kib), body, i)
			r.Leave()
		}
		require.Zero(t, time.Since(began))
		body, _, _ := readAll(starter, time.Second)
		require.Equal(t, pattern(500*kib), body)
		require.False(t, g.room.Free(g.size))
		starter.Leave()
		g.whole()
	})
}

// The starter leaves: a kept response goes on, another ends.
func TestStarterLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		judge  func(int, http.Header) flight.Verdict
		before bool // it leaves before the header
		byEnd  bool // its client goes first, as in net/http
		want   flight.Phase
	}{
		"kept, before header":        {keep, true, true, flight.Complete},
		"kept, after header":         {keep, false, true, flight.Complete},
		"not kept, before header":    {unkept, true, true, flight.Failed},
		"not kept, after header":     {unkept, false, true, flight.Failed},
		"not kept, answered, before": {unkept, true, false, flight.Failed},
		"not kept, answered, after":  {unkept, false, false, flight.Failed},
	} {
		for _, followed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t)
					client, gone := context.WithCancel(t.Context())
					f, r := g.startFor(client, flight.Config{Judge: c.judge}, func(w http.ResponseWriter, _ *http.Request) {
						time.Sleep(time.Second)
						_, _ = write(w, 1000)
						time.Sleep(time.Second)
						_, _ = write(w, 1000)
					})
					if followed { // it isn't failed by the starter, but sees for itself
						follower := f.Attach(t.Context(), false)
						go func() {
							defer follower.Leave()
							state, _ := follower.Wait(nil, untilHeader)
							if state.Phase == flight.Failed {
								t.Error(state.Failure.Cause)
							}
							if state.Keep {
								follower.Wait(nil, untilEnd)
							}
						}()
					}
					if !c.before {
						r.Wait(nil, untilHeader)
					}
					if c.byEnd {
						gone()
						synctest.Wait()
					} else {
						r.Leave()
					}
					<-f.Returned()
					gone()
					r.Leave()
					state := f.State()
					require.Equal(t, c.want, state.Phase)
					if c.want == flight.Failed {
						require.Equal(t, flight.Cancelled, state.Failure.Cause)
						require.Zero(t, g.commits.Load())
					}
				})
			})
		}
	}
}

// A client that ends while its reader is still there ends a response made for it alone.
func TestUnkeptEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		client, gone := context.WithCancel(t.Context())
		f, r := g.startFor(client, flight.Config{Judge: unkept}, func(w http.ResponseWriter, req *http.Request) {
			_, _ = write(w, 1000)
			<-req.Context().Done()
		})
		r.Wait(nil, untilHeader)
		gone()
		<-f.Returned()
		require.Equal(t, flight.Cancelled, f.State().Failure.Cause)
		r.Leave()
	})
}

func TestUnkeptWaitsForItsClient(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  flight.Config
		upTo int
	}{
		"not kept":     {flight.Config{Judge: unkept, Lead: 300 * kib}, 300*kib + 1},
		"least lead":   {flight.Config{Judge: unkept}, 256 * kib},
		"outgrown":     {flight.Config{Limit: 300 * kib}, 300 * kib},
		"large lead":   {flight.Config{Limit: 300 * kib, Lead: 500 * kib}, 500*kib + 1},
		"small limit":  {flight.Config{Limit: 1}, 256 * kib},
		"small window": {flight.Config{Limit: 1, Judge: unkept}, 256 * kib},
	} {
		for _, size := range []int{100, 3000, 1 << 20} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t)
					done := 0
					f, r := g.start(c.cfg, pieces(1<<20, size, &done))
					synctest.Wait()
					buffered := f.State().Buffered
					upTo := c.upTo
					if size > int(c.cfg.Limit) && c.cfg.Lead == 0 { // nothing of it was kept
						upTo = 256 * kib
					}
					require.InDelta(t, upTo, buffered, float64(min(size, 3000)), "the handler waits, but not too early")
					require.Greater(t, buffered, c.cfg.Lead, "who waits for more than the lead must see it")
					body, state, _ := readAll(r, time.Millisecond)
					require.Equal(t, flight.Complete, state.Phase)
					require.Equal(t, pattern(1<<20), body)
					require.False(t, g.result.Load().Keep)
					require.Nil(t, g.result.Load().Body)
					require.Equal(t, c.cfg.Judge == nil, state.Outgrown)
					require.False(t, state.NoRoom)
					r.Leave()
					<-f.Returned()
					synctest.Wait()
					g.whole()
				})
			})
		}
	}
}

func TestKeptUpToTheLimit(t *testing.T) {
	for size, kept := range map[int]bool{0: true, 4095: true, 4096: true, 4097: false} {
		g := newRig(t)
		done := 0
		_, r := g.start(flight.Config{Limit: 4096}, pieces(size, 100, &done))
		_, state, _ := readAll(r, 0)
		r.Leave()
		require.Equal(t, kept, g.result.Load().Keep, size)
		require.Equal(t, !kept, state.Outgrown, size)
		require.Len(t, g.result.Load().Body, map[bool]int{true: size}[kept])
	}
}

// Outgrown: the handler waits for the starter alone. Who keeps up gets all, who falls
// behind the window is cut off.
func TestOutgrownWindow(t *testing.T) {
	for name, stays := range map[string]bool{"starter reads": true, "starter is gone": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				done := 0
				f, starter := g.start(flight.Config{Limit: 512 * kib}, pieces(3<<20, 10*kib, &done))
				var wg sync.WaitGroup
				follow := func(pause time.Duration, out *[]byte, end *flight.State) {
					r := f.Attach(t.Context(), false)
					wg.Go(func() {
						defer r.Leave()
						*out, *end, _ = readAll(r, pause)
					})
				}
				var fast, slow, stuck []byte
				var fastEnd, slowEnd, stuckEnd flight.State
				follow(time.Millisecond, &fast, &fastEnd)
				follow(time.Second, &slow, &slowEnd)
				follow(time.Hour, &stuck, &stuckEnd)
				if stays {
					body, state, _ := readAll(starter, 2*time.Millisecond)
					require.Equal(t, flight.Complete, state.Phase)
					require.Equal(t, pattern(3<<20), body)
				}
				starter.Leave()
				<-f.Returned()
				require.Equal(t, flight.Complete, f.State().Phase)
				wg.Wait()
				require.Equal(t, flight.Complete, fastEnd.Phase)
				require.Equal(t, pattern(3<<20), fast)
				for _, end := range []flight.State{slowEnd, stuckEnd} {
					require.Equal(t, flight.Failed, end.Phase)
					require.Equal(t, flight.Cancelled, end.Failure.Cause)
				}
				require.Equal(t, pattern(8 << 20)[:len(slow)], slow, "what it got is right")
				g.whole()
			})
		})
	}
}

// The window keeps memory within its bound however slow readers are.
func TestOutgrownMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		done := 0
		f, starter := g.start(flight.Config{Limit: 512 * kib}, pieces(4<<20, 10*kib, &done))
		stuck := f.Attach(t.Context(), false)
		most := int64(0)
		for {
			p, state, _ := starter.Next(math.MaxInt)
			if len(p) == 0 {
				require.Equal(t, flight.Complete, state.Phase)
				break
			}
			starter.Advance(len(p))
			synctest.Wait()
			most = max(most, f.Buffered())
		}
		require.LessOrEqual(t, most, int64(512*kib+2*256*kib))
		starter.Leave()
		stuck.Leave()
		<-f.Returned()
	})
}

// What everybody has read is given back at once, not at the next write.
func TestReadBytesAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, r := g.start(flight.Config{Judge: unkept}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = write(w, 100*kib)
			time.Sleep(time.Hour)
		})
		p, _, _ := r.Next(math.MaxInt)
		require.EqualValues(t, 100*kib, f.Buffered())
		require.Len(t, p, 100*kib)
		r.Advance(len(p) - 1)
		require.EqualValues(t, 100*kib, f.Buffered())
		r.Advance(1)
		require.Zero(t, f.Buffered())
		require.True(t, g.room.Free(g.size))
		r.Leave()
		<-f.Returned()
	})
}

func TestNobodyReads(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  flight.Config
		room int64
		want flight.Phase
	}{
		"kept":     {flight.Config{}, roomy, flight.Complete},
		"outgrown": {flight.Config{Limit: 1000}, roomy, flight.Failed},
		"no room":  {flight.Config{}, 10 * kib, flight.Failed},
		"not kept": {flight.Config{Judge: unkept}, roomy, flight.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRigWithRoom(t, c.room)
				done := 0
				f, _ := g.group.Background(flight.Key{Primary: "k"}, yes, g.open(c.cfg, pieces(100*kib, 100, &done)))
				<-f.Returned()
				synctest.Wait()
				require.Equal(t, c.want, f.State().Phase)
				if c.want == flight.Failed {
					require.Equal(t, flight.Cancelled, f.State().Failure.Cause)
					require.Less(t, done, 100*kib)
				}
				g.whole()
			})
		})
	}
}

// A response without a body is complete even if nobody reads it.
func TestNobodyReadsNothing(t *testing.T) {
	g := newRig(t)
	f, _ := g.group.Background(flight.Key{Primary: "k"}, yes, g.open(flight.Config{Judge: unkept},
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }))
	<-f.Returned()
	require.Equal(t, flight.Complete, f.State().Phase)
	require.EqualValues(t, 1, g.commits.Load())
}

// Without room a body goes on in small pieces, at the pace of the starter, whoever else hangs.
func TestNoRoom(t *testing.T) {
	for name, c := range map[string]struct {
		room  int64
		judge func(int, http.Header) flight.Verdict
	}{
		"none, kept":     {0, keep},
		"little, kept":   {50 * kib, keep},
		"none, not kept": {0, unkept},
		"little, alone":  {50 * kib, unkept},
	} {
		for _, size := range []int{100, 5000, 300 * kib} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRigWithRoom(t, c.room)
					done := 0
					f, starter := g.start(flight.Config{Judge: c.judge, Limit: 1 << 20, Lead: 1 << 20}, pieces(300*kib, size, &done))
					stuck := f.Attach(t.Context(), false)
					synctest.Wait()
					require.True(t, f.State().Outgrown, "who holds back what came must see that no more will")
					require.True(t, f.State().NoRoom)
					body, state, _ := readAll(starter, time.Millisecond)
					require.Equal(t, flight.Complete, state.Phase)
					require.Equal(t, pattern(300*kib), body)
					require.False(t, g.result.Load().Keep)
					_, state, _ = stuck.Next(math.MaxInt)
					require.Equal(t, flight.Failed, state.Phase)
					starter.Leave()
					stuck.Leave()
					<-f.Returned()
					synctest.Wait()
					g.whole()
				})
			})
		}
	}
}

// … and at the pace of the fastest when the starter is gone.
func TestNoRoomWithoutStarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRigWithRoom(t, 20*kib)
		done := 0
		f, starter := g.start(flight.Config{}, pieces(300*kib, 5000, &done))
		reader, stuck := f.Attach(t.Context(), false), f.Attach(t.Context(), false)
		starter.Leave()
		body, state, _ := readAll(reader, time.Millisecond)
		require.Equal(t, flight.Complete, state.Phase)
		require.Equal(t, pattern(300*kib), body)
		reader.Leave()
		stuck.Leave()
		<-f.Returned()
		synctest.Wait()
		g.whole()
	})
}

// When the one that sets the pace leaves, those that have lost bytes don't keep the handler.
func TestOnlyLostReadersLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRigWithRoom(t, 0)
		done := 0
		f, starter := g.start(flight.Config{}, pieces(300*kib, 5000, &done))
		stuck := f.Attach(t.Context(), false)
		for range 5 {
			p, _, _ := starter.Next(math.MaxInt)
			starter.Advance(len(p))
			synctest.Wait()
		}
		starter.Leave()
		<-f.Returned()
		require.Equal(t, flight.Cancelled, f.State().Failure.Cause)
		stuck.Leave()
		synctest.Wait()
		g.whole()
	})
}

// Many flights share a room that is too small for them.
func TestRoomIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRigWithRoom(t, 64*kib)
		for range 20 {
			done := 0
			f, r, how := g.group.Solo(t.Context(), g.open(flight.Config{}, pieces(100*kib, 700, &done)))
			require.Equal(t, flight.Started, how)
			go func() {
				body, state, _ := readAll(r, time.Millisecond)
				r.Leave()
				if state.Phase != flight.Complete || len(body) != 100*kib {
					t.Errorf("%v after %d bytes", state.Phase, len(body))
				}
				<-f.Returned()
			}()
		}
		time.Sleep(time.Hour)
		g.whole()
	})
}

func taken(flight.Result) bool { return true }

// Once the owner has the body, a flight holds no room, however slow its readers are. They
// learn how far they came and find the rest there.
func TestCommittedBodyHoldsNoRoom(t *testing.T) {
	for _, size := range []int{1, 100 * kib, 600 * kib} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			done := 0
			f, starter := g.start(flight.Config{Commit: taken}, pieces(size, 50*kib, &done))
			stuck := f.Attach(t.Context(), false)
			synctest.Wait()
			<-f.Returned()
			require.Zero(t, f.Buffered())
			require.True(t, g.room.Free(g.size), "while both are still there")
			require.Equal(t, pattern(size), g.result.Load().Body)
			for _, r := range []*flight.Reader{starter, stuck} {
				for range 2 {
					p, state, end := r.Next(math.MaxInt)
					require.Empty(t, p)
					require.Equal(t, flight.Ready, end)
					require.Equal(t, flight.Complete, state.Phase)
					require.Zero(t, r.Offset())
				}
				r.Leave()
			}
			g.whole()
		})
	}
}

// What a reader was handed before stays as it was, and whoever comes late learns at once
// that all is elsewhere.
func TestCommittedBodyMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		gate := make(chan struct{})
		f, starter := g.start(flight.Config{Commit: taken}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(pattern(300 * kib)[:200*kib])
			<-gate
			_, _ = w.Write(pattern(300 * kib)[200*kib:])
		})
		p, _, _ := starter.Next(math.MaxInt)
		starter.Advance(1000)
		close(gate)
		<-f.Returned()
		late := f.Attach(t.Context(), false)
		for r, want := range map[*flight.Reader]int64{starter: 1000, late: 0} {
			q, state, _ := r.Next(math.MaxInt)
			require.Empty(t, q)
			require.Equal(t, flight.Complete, state.Phase)
			require.Equal(t, want, r.Offset())
		}
		require.Equal(t, pattern(300 * kib)[:len(p)], p, "bytes once handed out don't change")
		starter.Leave()
		late.Leave()
		synctest.Wait() // Returned is told before the flight has left its group
		g.whole()
	})
}

// A body that outgrew what is kept stays with the flight, whatever Commit says.
func TestCommitOfWhatIsNotKept(t *testing.T) {
	for name, cfg := range map[string]flight.Config{"outgrown": {Limit: 1000}, "never kept": {Judge: unkept}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				cfg.Commit = taken
				done := 0
				f, r := g.start(cfg, pieces(100*kib, 100, &done))
				body, state, _ := readAll(r, time.Millisecond)
				require.Equal(t, flight.Complete, state.Phase)
				require.Equal(t, pattern(100*kib), body)
				r.Leave()
				<-f.Returned()
				synctest.Wait()
				g.whole()
			})
		})
	}
}
