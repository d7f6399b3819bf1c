// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// The ways in which a flight ends, for each phase in which the event can come.
func TestEnds(t *testing.T) {
	boom := errors.New("boom")
	wait := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	timed := flight.Config{Header: 2 * time.Second, Idle: time.Second, Attempt: 3 * time.Second}
	for _, c := range []struct {
		name   string
		event  func(w http.ResponseWriter, r *http.Request)
		during flight.Cause // when it comes before the header
		after  flight.Cause // … and after some of the body
		value  any
	}{
		{name: "return", event: func(http.ResponseWriter, *http.Request) {}},
		{name: "panic", event: func(http.ResponseWriter, *http.Request) { panic(boom) },
			during: flight.Panicked, after: flight.Panicked, value: boom},
		{name: "panic with nil", event: func(http.ResponseWriter, *http.Request) { panic(nil) },
			during: flight.Panicked, after: flight.Panicked},
		{name: "panic with a map", event: func(http.ResponseWriter, *http.Request) { panic(map[string]int{}) },
			during: flight.Panicked, after: flight.Panicked, value: map[string]int{}},
		{name: "abort", event: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			during: flight.Aborted, after: flight.Aborted, value: http.ErrAbortHandler},
		{name: "exit", event: func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
			during: flight.Exited, after: flight.Exited},
		{name: "hang", event: wait, during: flight.HeaderTimeout, after: flight.IdleTimeout},
		{name: "truncated", event: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(200)
		}, during: flight.Truncated},
	} {
		run := func(name string, want flight.Cause, before string) {
			t.Run(c.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t)
					f, r := g.start(timed, func(w http.ResponseWriter, req *http.Request) {
						if before != "" {
							w.Header().Set("Content-Type", "text/plain")
							_, _ = io.WriteString(w, before)
						}
						c.event(w, req)
					})
					state, end := r.Wait(nil, untilEnd)
					require.Equal(t, flight.Ready, end)
					<-f.Returned()
					r.Leave()
					synctest.Wait()
					require.EqualValues(t, 1, g.ends.Load())
					require.Zero(t, g.lates.Load())
					checkEnd(t, g, state, want, c.value)
					require.Error(t, f.Context().Err())
					require.Equal(t, state.Phase, f.State().Phase, "a phase never goes back")
					g.whole()
				})
			})
		}
		run("before the header", c.during, "")
		run("in the body", c.after, "some")
	}
}

func checkEnd(t *testing.T, g *rig, state flight.State, want flight.Cause, value any) {
	t.Helper()
	if want == 0 {
		require.Equal(t, flight.Complete, state.Phase)
		require.Nil(t, state.Failure)
		require.Nil(t, g.failure.Load())
		require.EqualValues(t, 1, g.commits.Load())
		return
	}
	require.Equal(t, flight.Failed, state.Phase)
	require.Equal(t, want, state.Failure.Cause)
	require.Same(t, state.Failure, g.failure.Load())
	require.Zero(t, g.commits.Load())
	if value != nil {
		require.Equal(t, value, state.Failure.Value)
	}
	if want == flight.Panicked {
		require.Contains(t, string(state.Failure.Stack), "run_test.go")
	}
}

func TestContextEndsWithItsCause(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   flight.Config
		stop  func(*flight.Flight)
		cause error
		std   error
	}{
		"timeout": {flight.Config{Header: time.Second}, func(*flight.Flight) {}, flight.ErrTimeout, context.DeadlineExceeded},
		"cancel":  {flight.Config{}, (*flight.Flight).Cancel, flight.ErrCancelled, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				var seen, wrote error
				f, r := g.start(c.cfg, func(w http.ResponseWriter, req *http.Request) {
					<-req.Context().Done()
					seen = context.Cause(req.Context())
					_, wrote = w.Write(make([]byte, 600))
				})
				c.stop(f)
				<-f.Returned()
				r.Leave()
				require.ErrorIs(t, seen, c.cause)
				require.ErrorIs(t, seen, c.std)
				require.ErrorIs(t, wrote, flight.ErrEnded)
			})
		})
	}
}

// The values of the request's context reach the handler, its end doesn't.
func TestContextIsDetached(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	cancel()
	f := flight.New(ctx, flight.Config{Room: flight.NewRoom(0)})
	require.NoError(t, f.Context().Err())
	require.Equal(t, "v", f.Context().Value(key{}))
}

func TestCommitComesBeforeReadersLearn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		gate := make(chan struct{})
		body := pattern(300 << 10)
		f, r := g.start(flight.Config{Commit: func(flight.Result) bool { <-gate; return false }}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body)
		})
		synctest.Wait()
		require.EqualValues(t, 1, g.commits.Load())
		require.Equal(t, flight.Header, f.State().Phase)
		f.Cancel() // too late: it is whole
		require.Equal(t, flight.Header, f.State().Phase)
		close(gate)
		got, state, _ := readAll(r, 0)
		require.Equal(t, flight.Complete, state.Phase)
		require.Equal(t, body, got)
		require.Equal(t, body, g.result.Load().Body)
		require.True(t, g.result.Load().Keep)
		r.Leave()
		<-f.Returned()
		synctest.Wait()
		require.EqualValues(t, 1, g.ends.Load())
		g.whole()
	})
}

// A timer that is due while the response is committed doesn't fail it.
func TestTimersAreOverAtCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		cfg := flight.Config{Header: time.Second, Idle: time.Second, Attempt: time.Second}
		cfg.Commit = func(flight.Result) bool { time.Sleep(time.Minute); return false }
		_, r := g.start(cfg, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(pattern(600)) })
		_, state, _ := readAll(r, 0)
		require.Equal(t, flight.Complete, state.Phase)
		r.Leave()
	})
}

func TestCallbackPanics(t *testing.T) {
	oops := func() { panic("oops") }
	for name, cfg := range map[string]flight.Config{
		"judge":  {Judge: func(int, http.Header) flight.Verdict { oops(); return flight.Verdict{} }},
		"commit": {Commit: func(flight.Result) bool { oops(); return false }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				f, r := g.start(cfg, func(http.ResponseWriter, *http.Request) {})
				state, _ := r.Wait(nil, untilEnd)
				require.Equal(t, flight.Panicked, state.Failure.Cause)
				r.Leave()
				<-f.Returned()
				synctest.Wait()
				g.whole()
			})
		})
	}
}

// A handler that panics after its flight was given up is heard of.
func TestLatePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, r := g.start(flight.Config{Header: time.Second}, func(http.ResponseWriter, *http.Request) {
			time.Sleep(time.Minute)
			panic("late")
		})
		state, _ := r.Wait(nil, untilEnd)
		require.Equal(t, flight.HeaderTimeout, state.Failure.Cause)
		require.Equal(t, 1, g.group.Abandoned())
		r.Leave()
		<-f.Returned()
		synctest.Wait()
		require.EqualValues(t, 1, g.lates.Load())
		require.Equal(t, "late", g.late.Load().Value)
		require.Equal(t, flight.HeaderTimeout, f.State().Failure.Cause, "the first cause stays")
		g.whole()
	})
}

func TestEndedFlightIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		cfg := flight.Config{Header: time.Second}
		cfg.Judge = func(int, http.Header) flight.Verdict { t.Error("judged"); return flight.Verdict{} }
		f, r := g.start(cfg, func(w http.ResponseWriter, req *http.Request) {
			time.Sleep(time.Minute)
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		})
		defer r.Leave()
		<-f.Returned()
		require.Zero(t, f.State().Status)
	})
}
